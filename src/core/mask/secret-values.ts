/** Decides whether a value is harmless although its name is that of a secret: a reference, placeholder, path or switch. */

/** `$TOKEN`, `<token>`, `{{ token }}`, `null`, `***`. Only the start is matched, since any text may follow in output. */
const PLACEHOLDER =
  /^(?:[$<{[(%*#@]|\.{3}|…|(?:null|none|nil|true|false|yes|no|undefined|string|required|optional)\b)/i;

/** Variables and command substitutions of a shell; `$` alone is followed by a substitution. */
const REFERENCES = new RegExp(
  `^(?:${[
    String.raw`\$(?:[A-Za-z_][A-Za-z0-9_]*|[0-9@*#?!$-]|$)`,
    // `${NAME:-word}` has a literal text
    String.raw`\$\{[#!]?[A-Za-z_][A-Za-z0-9_]*(?:\[[^\]]*\])?(?::?\?[^}]*|:?[+=-]|[#%/^,][^}]*)?\}`,
    String.raw`\$\((?:[^()]|\([^()]*\))*\)`,
    '`[^`]*`',
    String.raw`\$?\{\{[^{}]*\}\}`,
    // no underscore, which names have too: each text is matched in one way only
    String.raw`[:@/.,\s-]`,
  ].join('|')})+$`,
);
const SWITCH =
  /^(?:true|false|yes|no|on|off|null|none|nil|undefined|enabled?|disabled?|prompt|ask|stdin|\*+|\.{3}|…)$/i;
const PLACEHOLDER_WORD = /^(?:<[^<>]*>|\[[^[\]]*\])$/;
/** Where a secret is stored: a file, a variable, a descriptor or an entry of a store. */
const PLACE =
  /^@?(?:file:|env:|fd:|op:\/\/|arn:|\/(?:run|var|etc|home|root|tmp|dev|proc|opt|usr|mnt|srv|Users)\/[\w.@%+/-]+$|(?:~|\.{1,2})\/[\w.@%+/-]+$)/;
/** `--private-key ~/.ssh/id_rsa`, `GOOGLE_APPLICATION_CREDENTIALS=key.json` */
const FILE = /^(?:\.{0,2}\/|~)[\w.@%+/-]*$|^[\w.@%+/-]+\.(?:pem|key|crt|pub|json|p12|pfx|jks|txt|ya?ml|ini|cfg)$/;
const NAMES_OF_FILES = /(?<!(?:access|api|secret)[_-]?)key$|credentials?$|creds$/i;
/** `--secret id=npm,src=.npmrc` */
const DESCRIPTION = /^(?:id|src|source|type|env)=/;
const SCHEMES =
  /^(?:any|anyauth|basic|bearer|cert(?:ificate)?|cram-md5|device|digest|gssapi|iam|ident|interactive|jwt|kerberos|ldap|login|md5|mtls|negotiate|ntlm|oauth2?|oidc|password|peer|plain|saml|scram-sha-(?:1|256)|spnego|sspi|token|trust|web|x509|xoauth2)$/i;
const NAMES_OF_SCHEMES = /auth$/i;

/** Whether a text is a placeholder for a value, in any kind of text. */
export function isPlaceholder(value: string): boolean {
  return value === '' || PLACEHOLDER.test(value);
}

/** Whether a value is harmless that a command line or an assignment gives to the name of a secret. */
export function isHarmlessValue(name: string, value: string): boolean {
  if (
    value === '' ||
    SWITCH.test(value) ||
    PLACEHOLDER_WORD.test(value) ||
    PLACE.test(value) ||
    DESCRIPTION.test(value)
  )
    return true;
  if (NAMES_OF_FILES.test(name) && FILE.test(value)) return true;
  if (NAMES_OF_SCHEMES.test(name) && SCHEMES.test(value)) return true;
  return isReference(value);
}

/** Whether a value consists of references and separators only: `$USER:$PASSWORD`. */
export function isReference(value: string): boolean {
  return (value.includes('$') || value.includes('`') || value.includes('{{')) && REFERENCES.test(value);
}
