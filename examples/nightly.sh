#!/bin/sh
# A job that reports its steps with the library for scripts: nightly.sh [--fail].
set -eu
. "$(progressd path sh 2>/dev/null || progress path sh)"

compile() {
  for file in 1 2 3 4; do
    echo "compile part $file"
    progress_count "$file" 4 parts
    sleep 0.5
  done
}

check() {
  sleep 1
  [ "$1" != --fail ] || {
    echo 'test 7: expected 4, got 5' >&2
    return 1
  }
}

progress_start 'Nightly build' total:=3
progress_plan 'Fetch sources' 'Compile' 'Test'
progress_step 'Fetch sources' sleep 1
progress_step 'Compile' compile
progress_step 'Test' check "${1-}"
progress_end
