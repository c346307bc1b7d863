/** Where programs take secrets in their arguments, by option and by position. */

export interface SecretArguments {
  programs: readonly string[];
  /** Words that must follow the program, in this order. */
  after?: readonly string[];
  /** Options whose value is a secret, attached or as the next word. */
  options?: readonly string[];
  /** Values are never attached to options. */
  isExact?: true;
  /** Options whose value holds a secret behind `separator`. */
  pairs?: readonly string[];
  /** What follows its own options is another command. */
  isWrapper?: true;
  /** @default ':' */
  separator?: string;
  /** Arguments that are secrets: 0 is the first word after `after` that is no option. */
  positions?: readonly number[];
  /** Its input is a secret, or holds one behind `separator`: always, or with one of these options. */
  input?: 'always' | readonly string[];
  /** Command lines as they are typed, and what becomes of them. */
  examples: Readonly<Record<string, string>>;
}

const MYSQL = ['mysql', 'mysqldump', 'mysqladmin', 'mysqlimport', 'mysqlshow', 'mysqlcheck', 'mysqlbinlog', 'mysqlsh'];
const MARIADB = ['mariadb', 'mariadb-dump', 'mariadb-admin', 'mariadb-import', 'mariadb-show', 'mariadb-check'];
const MONGO = ['mongo', 'mongosh', 'mongodump', 'mongorestore', 'mongoexport', 'mongoimport'];

/** Options that are named like a secret (`--password`) are masked with every program; these are the others. */
export const SECRET_ARGUMENTS: readonly SecretArguments[] = [
  {
    programs: [...MYSQL, ...MARIADB, 'mycli'],
    // mysql itself takes the word after `-p` for a database, which not everybody knows who types a password there
    options: ['-p'],
    examples: {
      'mysql -phunter2 db': 'mysql -p*** db',
      'sudo mysqldump -u root -p hunter2': 'sudo mysqldump -u root -p ***',
      'docker exec db mysql -uroot -phunter2': 'docker exec db mysql -uroot -p***',
      'mysql -p -u root': 'mysql -p -u root',
      '/usr/bin/mariadb -p"two words"': '/usr/bin/mariadb -p***',
    },
  },
  {
    programs: ['sshpass'],
    isWrapper: true,
    options: ['-p'],
    examples: {
      'sshpass -p hunter2 ssh -p 22 h': 'sshpass -p *** ssh -p 22 h',
      'sshpass -e ssh -p 22 h': 'sshpass -e ssh -p 22 h',
    },
  },
  {
    programs: MONGO,
    options: ['-p'],
    examples: { 'mongosh -u a -p hunter2': 'mongosh -u a -p ***' },
  },
  {
    programs: ['docker', 'podman', 'nerdctl', 'buildah', 'helm', 'oras', 'crane', 'az', 'oc'],
    after: ['login'],
    options: ['-p'],
    input: ['--password-stdin'],
    examples: {
      'docker login -u a -p hunter2 r': 'docker login -u a -p *** r',
      'docker run -p 80:80 x': 'docker run -p 80:80 x',
      'echo hunter2 | docker login -u a --password-stdin': 'echo *** | docker login -u a --password-stdin',
    },
  },
  {
    programs: ['curl'],
    pairs: ['-u', '--user', '-U', '--proxy-user'],
    examples: {
      'curl -u me:hunter2 http://x': 'curl -u me:*** http://x',
      'curl -ume:hunter2 http://x': 'curl -ume:*** http://x',
      "curl --user='me:two words' http://x": "curl --user='me:***' http://x",
      'curl -sSu me:hunter2 http://x': 'curl -sSu me:*** http://x',
      'curl -u me http://x': 'curl -u me http://x',
    },
  },
  {
    programs: ['http', 'https', 'xh', 'httpie'],
    pairs: ['-a', '--auth'],
    examples: { 'http -a me:hunter2 x': 'http -a me:*** x' },
  },
  {
    programs: ['smbclient', 'rpcclient', 'net', 'smbget', 'smbmap'],
    pairs: ['-U', '--user'],
    separator: '%',
    examples: { 'smbclient //h/s -U a%hunter2': 'smbclient //h/s -U a%***' },
  },
  {
    programs: ['ldapsearch', 'ldapadd', 'ldapmodify', 'ldapdelete', 'ldappasswd', 'ldapwhoami'],
    options: ['-w'],
    examples: { 'ldapsearch -s sub -D cn=a -w hunter2': 'ldapsearch -s sub -D cn=a -w ***' },
  },
  { programs: ['redis-cli'], options: ['-a'], examples: { 'redis-cli -a hunter2 ping': 'redis-cli -a *** ping' } },
  {
    programs: ['zip', 'unzip'],
    options: ['-P'],
    examples: { 'unzip -P hunter2 x.zip': 'unzip -P *** x.zip' },
  },
  {
    programs: ['7z', '7za', '7zr', 'rar', 'unrar'],
    options: ['-p', '-hp'],
    examples: { '7z a -phunter2 x.7z y': '7z a -p*** x.7z y' },
  },
  {
    programs: ['openssl'],
    options: ['-passin', '-passout', '-pass', '-k', '-K'],
    isExact: true,
    examples: {
      'openssl enc -k hunter2 -in x': 'openssl enc -k *** -in x',
      'openssl req -key x.pem -keyout y.pem': 'openssl req -key x.pem -keyout y.pem',
      'openssl enc -pass pass:hunter2 -in x': 'openssl enc -pass *** -in x',
      'openssl rsa -passin pass:hunter2': 'openssl rsa -passin ***',
    },
  },
  {
    programs: ['htpasswd'],
    positions: [2],
    examples: { 'htpasswd -bc file me hunter2': 'htpasswd -bc file me ***', 'htpasswd file me': 'htpasswd file me' },
  },
  {
    programs: ['vault', 'bao'],
    after: ['login'],
    positions: [0],
    examples: { 'vault login hunter2': 'vault login ***', 'vault login -method=oidc': 'vault login -method=oidc' },
  },
  {
    programs: ['kubectl', 'oc', 'k3s'],
    after: ['create', 'secret'],
    pairs: ['--from-literal'],
    separator: '=',
    examples: {
      'kubectl create secret generic s --from-literal=key=hunter2':
        'kubectl create secret generic s --from-literal=key=***',
      'kubectl create secret generic s --from-literal key=hunter2':
        'kubectl create secret generic s --from-literal key=***',
    },
  },
  {
    programs: ['gh'],
    after: ['secret', 'set'],
    options: ['-b', '--body'],
    input: 'always',
    examples: { 'gh secret set X --body hunter2': 'gh secret set X --body ***', 'gh secret list': 'gh secret list' },
  },
  {
    programs: ['gh', 'glab'],
    after: ['auth', 'login'],
    input: ['--with-token', '--stdin'],
    examples: { 'echo hunter2 | gh auth login --with-token': 'echo *** | gh auth login --with-token' },
  },
  {
    programs: ['chpasswd'],
    input: 'always',
    separator: ':',
    examples: {
      'echo root:hunter2 | chpasswd': 'echo root:*** | chpasswd',
      "printf '%s\\n' me:hunter2 | sudo chpasswd -e": "printf '%s\\n' me:*** | sudo chpasswd -e",
      'chpasswd <<< "me:hunter2"': 'chpasswd <<< "me:***"',
      'chpasswd <<<me:hunter2': 'chpasswd <<<me:***',
      'echo root:x | cat': 'echo root:x | cat',
      'echo root:x | grep chpasswd': 'echo root:x | grep chpasswd',
    },
  },
  {
    programs: ['sudo'],
    input: ['-S', '--stdin'],
    examples: {
      'echo hunter2 | sudo -S make install': 'echo *** | sudo -S make install',
      'echo hi | sudo tee x': 'echo hi | sudo tee x',
    },
  },
  {
    programs: ['passwd', 'smbpasswd', 'vncpasswd', 'cryptsetup', 'kinit', 'pass'],
    input: 'always',
    examples: { 'echo hunter2 | passwd --stdin me': 'echo *** | passwd --stdin me', 'passwd me': 'passwd me' },
  },
  {
    programs: ['snmpget', 'snmpwalk'],
    options: ['-A', '-X'],
    examples: { 'snmpget -v3 -A hunter2 h': 'snmpget -v3 -A *** h' },
  },
  {
    programs: ['ipmitool'],
    options: ['-P'],
    examples: { 'ipmitool -A MD5 -U a -P hunter2 power': 'ipmitool -A MD5 -U a -P *** power' },
  },
];
