/**
 * Lists where programs take secrets in their arguments, by option and by position.
 *
 * Shell hooks mask what they write to the spool themselves, so a new entry also belongs in `hooks/mask.sh` and
 * `hooks/progress.fish`. If it is too rare for the hooks, add its program to `LEFT` in `test/hooks/mask.test.ts`: then only
 * the daemon masks it.
 */
import type { SecretArguments } from './secret-arguments.js';
import { DATABASE_ARGUMENTS } from './secret-databases.js';

/** An option that is named like a secret (`--password`) is masked with every program and needs no entry. */
export const SECRET_ARGUMENTS: readonly SecretArguments[] = [
  ...DATABASE_ARGUMENTS,
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
    programs: ['docker', 'podman', 'nerdctl', 'buildah', 'helm', 'oras', 'crane', 'az', 'oc'],
    after: ['login'],
    options: ['-p'],
    input: ['--password-stdin'],
    examples: {
      'docker login -u a -p hunter2 r': 'docker login -u a -p *** r',
      'docker run -p 80:80 x': 'docker run -p 80:80 x',
      'docker login -p "$(cat x)" r': 'docker login -p "$(cat x)" r',
      'echo hunter2 | docker login -u a --password-stdin': 'echo *** | docker login -u a --password-stdin',
    },
  },
  {
    programs: ['docker', 'podman', 'nerdctl', 'buildah'],
    harmless: ['--secret'],
    examples: {
      'docker build --secret id=npm,src=.npmrc .': 'docker build --secret id=npm,src=.npmrc .',
      'docker service create --secret site_key x': 'docker service create --secret site_key x',
    },
  },
  {
    programs: ['docker', 'podman'],
    after: ['secret', 'create'],
    input: 'always',
    examples: {
      'printf hunter2 | docker secret create x -': 'printf *** | docker secret create x -',
      'docker secret create x file': 'docker secret create x file',
    },
  },
  {
    programs: ['curl'],
    pairs: ['-u', '--user', '-U', '--proxy-user'],
    separator: ':',
    examples: {
      'curl -u me:hunter2 http://x': 'curl -u me:*** http://x',
      'curl -ume:hunter2 http://x': 'curl -ume:*** http://x',
      "curl --user='me:two words' http://x": "curl --user='me:***' http://x",
      'curl -sSu me:hunter2 http://x': 'curl -sSu me:*** http://x',
      'curl -u me http://x': 'curl -u me http://x',
      'curl -u me: http://x': 'curl -u me: http://x',
      'curl -u "$U:$P" http://x': 'curl -u "$U:$P" http://x',
      'curl -u me:$PW http://x': 'curl -u me:$PW http://x',
    },
  },
  {
    programs: ['curl'],
    pairs: ['-b', '--cookie'],
    separator: '=',
    examples: {
      "curl -b 'session=hunter2' http://x": "curl -b 'session=***' http://x",
      'curl --cookie=session=hunter2 http://x': 'curl --cookie=session=*** http://x',
      'curl -b cookies.txt http://x': 'curl -b cookies.txt http://x',
    },
  },
  {
    programs: ['curl'],
    pairs: ['-E', '--cert', '--proxy-cert'],
    options: ['--oauth2-bearer'],
    separator: ':',
    examples: {
      'curl --cert client.pem:hunter2 http://x': 'curl --cert client.pem:*** http://x',
      'curl -E client.pem http://x': 'curl -E client.pem http://x',
      'curl --oauth2-bearer hunter2 http://x': 'curl --oauth2-bearer *** http://x',
      'curl --oauth2-bearer "$TOK" http://x': 'curl --oauth2-bearer "$TOK" http://x',
    },
  },
  {
    programs: ['curl', 'wget', 'xh'],
    headers: ['-H', '--header', '--proxy-header'],
    examples: {
      "curl -H 'apikey: hunter' http://x": "curl -H 'apikey: ***' http://x",
      'curl -H "X-Auth-Token: $TOK" http://x': 'curl -H "X-Auth-Token: $TOK" http://x',
      'wget --header="Private-Token: hunter" http://x': 'wget --header="Private-Token: ***" http://x',
      "curl -H 'Accept: text/html' http://x": "curl -H 'Accept: text/html' http://x",
    },
  },
  {
    programs: ['http', 'https', 'xh', 'httpie'],
    pairs: ['-a', '--auth'],
    separator: ':',
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
  {
    programs: ['zip', 'unzip'],
    options: ['-P'],
    examples: { 'unzip -P hunter2 x.zip': 'unzip -P *** x.zip' },
  },
  {
    programs: ['7z', '7za', '7zr', 'rar', 'unrar'],
    attached: ['-p', '-hp'],
    examples: {
      '7z a -phunter2 x.7z y': '7z a -p*** x.7z y',
      'rar a -hphunter2 x.rar y': 'rar a -hp*** x.rar y',
      '7z a -p x.7z y': '7z a -p x.7z y',
    },
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
      'openssl rsa -passin env:PW -in x': 'openssl rsa -passin env:PW -in x',
    },
  },
  {
    programs: ['openssl'],
    after: ['passwd'],
    positions: ['last'],
    input: ['-stdin'],
    examples: {
      'openssl passwd -6 hunter2': 'openssl passwd -6 ***',
      'echo hunter2 | openssl passwd -6 -stdin': 'echo *** | openssl passwd -6 -stdin',
      'openssl passwd -6': 'openssl passwd -6',
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
      'echo "$PW" | sudo -S make install': 'echo "$PW" | sudo -S make install',
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
    programs: ['ipmitool', 'sqlcmd', 'bcp', 'mosquitto_pub', 'mosquitto_sub'],
    options: ['-P'],
    examples: {
      'ipmitool -A MD5 -U a -P hunter2 power': 'ipmitool -A MD5 -U a -P *** power',
      'sqlcmd -S h -U sa -P hunter2': 'sqlcmd -S h -U sa -P ***',
      'sqlcmd -S h -E': 'sqlcmd -S h -E',
    },
  },
  {
    programs: ['cqlsh', 'cypher-shell', 'useradd', 'usermod', 'rdesktop'],
    options: ['-p'],
    examples: {
      'cqlsh -u a -p hunter2 h': 'cqlsh -u a -p *** h',
      'useradd -m -p hunter2 me': 'useradd -m -p *** me',
      'cqlsh -u a h': 'cqlsh -u a h',
      'useradd -m -G wheel me': 'useradd -m -G wheel me',
    },
  },
  {
    programs: ['twine'],
    after: ['upload'],
    options: ['-p'],
    examples: {
      'twine upload -u a -p hunter2 dist/x.whl': 'twine upload -u a -p *** dist/x.whl',
      'twine upload -r pypi dist/x.whl': 'twine upload -r pypi dist/x.whl',
    },
  },
  {
    programs: ['lftp'],
    pairs: ['-u'],
    separator: ',',
    examples: { 'lftp -u me,hunter2 h': 'lftp -u me,*** h', 'lftp -u me h': 'lftp -u me h' },
  },
  {
    programs: ['nmcli', 'pdftk'],
    options: ['password', 'wifi-sec.psk', 'user_pw', 'owner_pw', 'input_pw'],
    isExact: true,
    examples: {
      'nmcli dev wifi connect home password hunter2': 'nmcli dev wifi connect home password ***',
      'pdftk x.pdf output y.pdf user_pw hunter2': 'pdftk x.pdf output y.pdf user_pw ***',
      'nmcli dev wifi list': 'nmcli dev wifi list',
    },
  },
  {
    programs: ['wpa_passphrase'],
    positions: [1],
    examples: {
      'wpa_passphrase home hunter2': 'wpa_passphrase home ***',
      'wpa_passphrase home': 'wpa_passphrase home',
    },
  },
  {
    programs: ['rabbitmqctl'],
    after: ['add_user'],
    positions: [1],
    examples: {
      'rabbitmqctl add_user me hunter2': 'rabbitmqctl add_user me ***',
      'rabbitmqctl add_user me': 'rabbitmqctl add_user me',
    },
  },
  {
    programs: ['fly', 'flyctl', 'supabase'],
    after: ['secrets', 'set'],
    positions: ['last'],
    separator: '=',
    examples: {
      'fly secrets set DATABASE_URL=hunter2': 'fly secrets set DATABASE_URL=***',
      'fly secrets list': 'fly secrets list',
    },
  },
];
