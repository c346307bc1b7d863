#!/bin/sh
# A job of a few seconds, for trying things out: backup.sh [--fail]. It knows nothing of progress.
set -eu

for table in customers orders invoices; do
  echo "dump $table"
  sleep 1
done
if [ "${1-}" = --fail ]; then
  echo 'upload: no space left on the server' >&2
  exit 3
fi
echo 'upload: 3 tables, 12 MB'
