/**
 * Secrets that are recognised by their shape alone: what services give out.
 *
 * The prefixes and alphabets are those of the rules of gitleaks 8.30.1 (https://github.com/gitleaks/gitleaks,
 * config/gitleaks.toml; MIT licence, copyright (c) 2019 Zachary Rice) that need no keyword beside the secret. Lengths are
 * minimums here: a token that a terminal or a log has cut is masked too. Shapes without `rule` are not from there.
 */

export interface SecretShape {
  /** The rules of gitleaks that it stands for. */
  rule?: string;
  /** RE2. The whole match is masked. */
  pattern: string;
  /** Texts of which one is in every match: the pattern is tried only where one of them is found. */
  hints: readonly string[];
  /** Each is masked as a whole. `#` is a letter or digit, so that no scanner takes these for leaked secrets. */
  masked: readonly string[];
  /** None of these is touched. */
  kept?: readonly string[];
}

/** A prefix with characters of an alphabet after it. */
function prefixed(rule: string | undefined, prefixes: readonly string[], tail: string, ...kept: string[]): SecretShape {
  const escaped = prefixes.map((prefix) => prefix.replaceAll('.', String.raw`\.`));
  const least = Number(/\{(\d+)/.exec(tail)?.[1] ?? 0);
  return {
    ...(rule !== undefined && { rule }),
    pattern: String.raw`\b(?:${escaped.join('|')})${tail}`,
    hints: prefixes,
    masked: prefixes.map((prefix) => prefix + '#'.repeat(least)),
    kept: [...prefixes, ...kept],
  };
}

const ALNUM = '[A-Za-z0-9]';
const WORD = '[A-Za-z0-9_-]';
const BASE64 = '[A-Za-z0-9+/_=-]';

export const SHAPES: readonly SecretShape[] = [
  prefixed('github-*', ['ghp_', 'gho_', 'ghu_', 'ghs_', 'ghr_'], `${ALNUM}{12,}`),
  prefixed('github-fine-grained-pat', ['github_pat_'], `${WORD}{12,}`),
  prefixed(
    'gitlab-*',
    ['glpat-', 'glptt-', 'gldt-', 'glrt-', 'glft-', 'glffct-', 'glimt-', 'glagent-', 'gloas-', 'glsoat-', 'glcbt-'],
    '[A-Za-z0-9_.-]{12,}',
  ),
  prefixed('gitlab-rrt', ['GR1348941'], `${WORD}{16,}`),
  {
    rule: 'anthropic-*, openai-api-key',
    pattern: String.raw`\bsk-(?:(?:ant|proj|svcacct|admin|or|lf)-|[A-Za-z_-]{0,40}[0-9])[A-Za-z0-9_-]{7,}`,
    hints: ['sk-'],
    masked: ['sk-ant-api03-########', 'sk-proj-abc123def456ghi789', 'sk-live0########', 'sk-1234########'],
    kept: ['sk-learn-contrib-package', 'task-runner-with-a-long-name', 'sk-ant'],
  },
  prefixed('slack-*', ['xoxa-', 'xoxb-', 'xoxe-', 'xoxo-', 'xoxp-', 'xoxr-', 'xoxs-', 'xapp-'], '[A-Za-z0-9.-]{12,}'),
  {
    rule: 'aws-access-token',
    pattern: String.raw`\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{12,}`,
    hints: ['AKIA', 'ASIA', 'ABIA', 'ACCA'],
    masked: ['AKIA############', 'ASIA################'],
    kept: ['ASIA', 'AKIAxxxxxxxxxxxxxxxx', 'ACCACIA'],
  },
  prefixed('aws-amazon-bedrock-*', ['ABSK', 'bedrock-api-key-'], `${BASE64}{40,}`),
  prefixed('gcp-api-key', ['AIza'], `${WORD}{30,}`),
  prefixed(
    'npm-access-token',
    ['npm_'],
    `${ALNUM}{36,}`,
    'npm_config_user_agent=npm/10',
    'npm_package_config_something',
  ),
  prefixed('pypi-upload-token', ['pypi-'], `${WORD}{40,}`, 'pypi-mirror-of-the-company'),
  prefixed('huggingface-*', ['hf_', 'api_org_'], `${ALNUM}{20,}`),
  {
    rule: 'jwt',
    pattern: String.raw`\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?`,
    hints: ['eyJ'],
    masked: ['eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln', 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0'],
    kept: ['eyJhbGciOiJIUzI1NiJ9', 'keyJoin.someMethod.call'],
  },
  prefixed('1password-service-account-token', ['ops_eyJ'], `${BASE64}{40,}`),
  prefixed('age-secret-key', ['AGE-SECRET-KEY-1'], `${ALNUM}{40,}`),
  prefixed('adobe-client-secret', ['p8e-'], `${ALNUM}{32,}`),
  prefixed('alibaba-access-key-id', ['LTAI'], `${ALNUM}{20,}`),
  prefixed('artifactory-api-key', ['AKCp', 'cmVmd'], `${ALNUM}{50,}`),
  prefixed('atlassian-api-token', ['ATATT3'], `${BASE64}{40,}`),
  prefixed('clojars-api-token', ['CLOJARS_'], `${ALNUM}{40,}`),
  prefixed('databricks-api-token', ['dapi'], '[a-f0-9]{32,}(?:-[0-9])?'),
  prefixed('digitalocean-*', ['doo_v1_', 'dop_v1_', 'dor_v1_'], '[a-f0-9]{32,}'),
  prefixed('doppler-api-token', ['dp.pt.', 'dp.st.', 'dp.sa.', 'dp.ct.'], '[A-Za-z0-9._-]{32,}'),
  prefixed('duffel-api-token', ['duffel_test_', 'duffel_live_'], `${BASE64}{30,}`),
  prefixed('dynatrace-api-token', ['dt0c01.'], '[A-Za-z0-9.]{40,}'),
  prefixed('easypost-*', ['EZAK', 'EZTK'], `${ALNUM}{40,}`),
  prefixed('facebook-page-access-token', ['EAAM', 'EAAC'], `${ALNUM}{60,}`),
  prefixed('flutterwave-*', ['FLWSECK_TEST-', 'FLWSECK-'], '[A-Za-z0-9-]{12,}'),
  prefixed('flyio-access-token', ['fo1_', 'fm1a_', 'fm1r_', 'fm2_'], `${BASE64}{40,}`),
  prefixed('frameio-api-token', ['fio-u-'], `${BASE64}{40,}`),
  prefixed('grafana-*', ['glc_', 'glsa_'], `${BASE64}{24,}`),
  prefixed('heroku-api-key-v2', ['HRKU-AA'], `${WORD}{40,}`),
  prefixed('infracost-api-token', ['ico-'], `${ALNUM}{32,}`),
  prefixed('linear-api-key', ['lin_api_', 'lin_oauth_'], `${ALNUM}{30,}`),
  prefixed('notion-api-token', ['ntn_'], `${ALNUM}{40,}`),
  prefixed('octopus-deploy-api-key', ['API-'], '[A-Z0-9]{26,}'),
  prefixed('openshift-user-token', ['sha256~'], `${WORD}{40,}`),
  prefixed('perplexity-api-key', ['pplx-'], `${ALNUM}{40,}`),
  prefixed('planetscale-*', ['pscale_tkn_', 'pscale_oauth_', 'pscale_pw_'], '[A-Za-z0-9_=.-]{30,}'),
  prefixed('postman-api-token', ['PMAK-'], '[a-f0-9-]{50,}'),
  prefixed('prefect-api-token', ['pnu_'], `${ALNUM}{36,}`),
  prefixed('pulumi-api-token', ['pul-'], '[a-f0-9]{40,}'),
  prefixed('readme-api-token', ['rdme_'], '[a-z0-9]{60,}'),
  prefixed('rubygems-api-token', ['rubygems_'], '[a-f0-9]{40,}'),
  prefixed('scalingo-api-token', ['tk-us-'], `${WORD}{40,}`),
  prefixed('sendgrid-api-token', ['SG.'], '[A-Za-z0-9_.-]{40,}'),
  prefixed('sendinblue-api-token', ['xkeysib-'], '[A-Za-z0-9-]{60,}'),
  prefixed('sentry-*', ['sntrys_', 'sntryu_'], `${BASE64}{40,}`),
  prefixed('settlemint-*', ['sm_aat_', 'sm_pat_', 'sm_sat_'], `${ALNUM}{16,}`),
  prefixed('shippo-api-token', ['shippo_live_', 'shippo_test_'], '[a-fA-F0-9]{30,}'),
  prefixed('shopify-*', ['shpat_', 'shpca_', 'shppa_', 'shpss_'], '[a-fA-F0-9]{24,}'),
  prefixed('sourcegraph-access-token', ['sgp_'], '[a-zA-Z0-9_]{40,}'),
  prefixed('square-access-token', ['sq0atp-', 'sq0csp-'], `${WORD}{22,}`),
  prefixed(
    'stripe-access-token',
    ['sk_test_', 'sk_live_', 'sk_prod_', 'rk_test_', 'rk_live_', 'rk_prod_'],
    `${ALNUM}{10,}`,
    'sk_test_mode_of_the_shop',
  ),
  prefixed('twilio-api-key', ['SK'], '[0-9a-f]{32}', 'SKIP0123456789'),
  prefixed('vault-*', ['hvs.', 'hvb.', 'hvr.'], `${WORD}{20,}`),
  // not among the rules of gitleaks
  prefixed(undefined, ['dckr_pat_', 'dckr_oat_'], `${WORD}{20,}`),
  prefixed(undefined, ['whsec_'], `${BASE64}{20,}`),
  prefixed(undefined, ['gsk_', 'xai-', 'r8_', 'tvly-'], `${ALNUM}{30,}`),
  prefixed(undefined, ['lsv2_pt_', 'lsv2_sk_'], `${WORD}{30,}`),
  prefixed(undefined, ['NRAK-', 'NRJS-'], '[A-Za-z0-9]{19,}'),
  prefixed(undefined, ['figd_', 'nfp_', 'sbp_', 'tskey-'], `${WORD}{30,}`),
];
