/** Where the clients of databases take secrets. */
import type { SecretArguments } from './secret-arguments.js';

const MYSQL = ['mysql', 'mysqldump', 'mysqladmin', 'mysqlimport', 'mysqlshow', 'mysqlcheck', 'mysqlbinlog', 'mysqlsh'];
const MARIADB = ['mariadb', 'mariadb-dump', 'mariadb-admin', 'mariadb-import', 'mariadb-show', 'mariadb-check'];
const REDIS = ['redis-cli', 'valkey-cli', 'keydb-cli'];
const MONGO = ['mongo', 'mongosh', 'mongodump', 'mongorestore', 'mongoexport', 'mongoimport'];

export const DATABASE_ARGUMENTS: readonly SecretArguments[] = [
  {
    programs: [...MYSQL, ...MARIADB],
    // the word after `-p` is a database
    attached: ['-p'],
    examples: {
      'mysql -phunter2 db': 'mysql -p*** db',
      'mysql -p db': 'mysql -p db',
      'mysql -u root -p': 'mysql -u root -p',
      'mysql -p"$PW" db': 'mysql -p"$PW" db',
      'sudo mysqldump -u root -phunter2': 'sudo mysqldump -u root -p***',
      'docker exec db mysql -uroot -phunter2': 'docker exec db mysql -uroot -p***',
      'mysql -p -u root': 'mysql -p -u root',
      '/usr/bin/mariadb -p"two words"': '/usr/bin/mariadb -p***',
    },
  },
  {
    programs: [...MONGO, 'mycli'],
    options: ['-p'],
    examples: {
      'mongosh -u a -p hunter2': 'mongosh -u a -p ***',
      'mongosh -u a -p $PW': 'mongosh -u a -p $PW',
      'mycli -p hunter2': 'mycli -p ***',
    },
  },
  {
    programs: REDIS,
    options: ['-a'],
    examples: {
      'redis-cli -a hunter2 ping': 'redis-cli -a *** ping',
      'redis-cli -p 6379 get auth': 'redis-cli -p 6379 get auth',
    },
  },
  {
    programs: REDIS,
    after: ['auth'],
    positions: ['last'],
    examples: {
      'redis-cli -h h AUTH hunter2': 'redis-cli -h h AUTH ***',
      'redis-cli auth me hunter2': 'redis-cli auth me ***',
      'redis-cli auth $PW': 'redis-cli auth $PW',
      'redis-cli config set requirepass hunter2': 'redis-cli config set requirepass ***',
    },
  },
  {
    programs: REDIS,
    input: 'always',
    separator: 'auth ',
    examples: {
      'redis-cli <<< "AUTH hunter2"': 'redis-cli <<< "AUTH ***"',
      'echo "AUTH hunter2" | redis-cli': 'echo "AUTH ***" | redis-cli',
      'echo PING | redis-cli': 'echo PING | redis-cli',
    },
  },
  {
    programs: ['sqlplus', 'rman', 'expdp', 'impdp', 'sqlldr'],
    positions: [0],
    separator: '/',
    terminator: '@',
    examples: {
      'sqlplus u/hunter2@db': 'sqlplus u/***@db',
      'sqlplus -S u/hunter2@//h:1521/x @script.sql': 'sqlplus -S u/***@//h:1521/x @script.sql',
      'sqlplus u/hunter2': 'sqlplus u/***',
      'sqlplus / as sysdba': 'sqlplus / as sysdba',
      'sqlplus u@db': 'sqlplus u@db',
    },
  },
];
