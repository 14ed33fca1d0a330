/**
 * AWS Control Tower's proactive controls, checked by cfn-guard at every synthesis: all rules but those named here,
 * each with the reason why it does not fit. A test finds a rule that is named and no longer needed.
 */
import { CfnGuardValidator } from '@cdklabs/cdk-validator-cfnguard';
import type { Environment } from '../config.ts';

type Applies = (environment: Environment) => boolean;
const always: Applies = () => true;
const onPublicHosts: Applies = ({ egress }) => egress === 'public-hosts';
const whereDataMayGo: Applies = ({ retention }) => !retention.keepData;
const withoutOwnDomain: Applies = ({ delivery }) => delivery.domainName === undefined;
const openToAnybody: Applies = ({ ingest }) => ingest.allowedCidrs.some((cidr) => cidr.endsWith('/0'));

interface Exception {
  readonly rule: string;
  readonly applies: Applies;
  readonly reason: string;
}

const EXCEPTIONS: readonly Exception[] = [
  {
    rule: 'ct-autoscaling-pr-1',
    applies: always,
    reason:
      'GPU hosts are in the one zone of the directory bucket: parts do not cross zones (network stack).',
  },
  {
    rule: 'ct-autoscaling-pr-6',
    applies: always,
    reason: 'Feeds per host are counted for one instance type; a second one would be packed wrongly.',
  },
  {
    rule: 'ct-cloudfront-pr-1',
    applies: always,
    reason: 'The media distribution has no page; a path that is not a stream’s is refused as unsigned.',
  },
  {
    rule: 'ct-cloudfront-pr-4',
    applies: always,
    reason: 'Live parts have one origin; a second one would follow the same live edge and fail with it.',
  },
  {
    rule: 'ct-cloudfront-pr-5',
    applies: always,
    reason: 'A log line per media request would cost more than the request; the app distribution is logged.',
  },
  ...['ct-cloudfront-pr-6', 'ct-cloudfront-pr-7', 'ct-cloudfront-pr-9'].map((rule) => ({
    rule,
    applies: withoutOwnDomain,
    reason: 'Without an own domain CloudFront’s certificate is used, and sets SNI and TLS version itself.',
  })),
  {
    rule: 'ct-cloudwatch-pr-2',
    applies: always,
    reason:
      'Logs are kept for retention.logDays; they hold addresses of viewers, which must not stay a year.',
  },
  {
    rule: 'ct-cloudwatch-pr-3',
    applies: always,
    reason: 'Log groups are encrypted by CloudWatch; they hold no secret (domain/log.ts masks them).',
  },
  {
    rule: 'ct-ec2-pr-3',
    applies: openToAnybody,
    reason:
      'Encoders send from anywhere unless ingest.allowedCidrs says otherwise; SRT asks for a passphrase.',
  },
  ...['ct-ec2-pr-9', 'ct-ecs-pr-9'].map((rule) => ({
    rule,
    applies: onPublicHosts,
    reason: 'Without NAT hosts call out by addresses of their own; no port of theirs is open.',
  })),
  {
    rule: 'ct-elasticloadbalancing-pr-1',
    applies: always,
    reason: 'Only CloudFront reaches the listener, inside the VPC; viewers are sent to HTTPS by CloudFront.',
  },
  {
    rule: 'ct-elasticloadbalancing-pr-5',
    applies: whereDataMayGo,
    reason: 'An environment that keeps no data may be destroyed as a whole.',
  },
  {
    rule: 'ct-elasticloadbalancing-pr-6',
    applies: always,
    reason: 'Access logs are on; the rule wants the bucket’s name as text, and it is another stack’s value.',
  },
  {
    rule: 'ct-elasticloadbalancing-pr-14',
    applies: always,
    reason: 'The ingest load balancer is in one zone, that of the GPUs.',
  },
  {
    rule: 'ct-lambda-pr-2',
    applies: always,
    reason:
      'Every permission names its source ARN, built of several values; the rule knows plain text and one reference.',
  },
  {
    rule: 'ct-lambda-pr-3',
    applies: always,
    reason: 'Functions that speak to Redis are in the VPC; the others and CDK’s own need nothing in it.',
  },
  {
    rule: 'ct-s3-pr-2',
    applies: always,
    reason: 'The rule is met but for the bucket that the access logs go to, which cannot log into itself.',
  },
  {
    rule: 'ct-s3-pr-4',
    applies: always,
    reason: 'Nobody waits for a page or a log line to be written; the recordings bucket tells of its events.',
  },
  {
    rule: 'ct-s3-pr-9',
    applies: always,
    reason: 'Recordings expire by lifecycle, and pages are written again: neither is a record by law.',
  },
  {
    rule: 'ct-s3-pr-10',
    applies: always,
    reason: 'S3’s own keys encrypt; CloudFront would need a right on a KMS key, at a fee per request.',
  },
  {
    rule: 'ct-s3-pr-11',
    applies: always,
    reason: 'A growing playlist is written every six seconds: each would stay as a version.',
  },
  {
    rule: 'ct-sqs-pr-1',
    applies: always,
    reason: 'The queues are dead-letter queues.',
  },
];

/** The exceptions of one environment. */
export function guardExceptions(environment: Environment): readonly Exception[] {
  return EXCEPTIONS.filter(({ applies }) => applies(environment));
}

/** Room for the answer of cfn-guard over the largest template; its default of 1 MB is passed. */
const MAX_ANSWER_BYTES = 64 * 1_024 * 1_024;

/** Its program is inside the package, for Linux and macOS: elsewhere there is none, and the list is empty. */
export function guardPlugins(environment: Environment, disabledRules = namesOf(environment)) {
  if (process.platform !== 'linux' && process.platform !== 'darwin') return [];
  return [new CfnGuardValidator({ disabledRules: [...disabledRules], maxBuffer: MAX_ANSWER_BYTES })];
}

function namesOf(environment: Environment): readonly string[] {
  return guardExceptions(environment).map(({ rule }) => rule);
}
