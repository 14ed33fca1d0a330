/**
 * API Gateway's Lambda authorizer (HTTP API, payload 2.0, simple responses). It must be called without a
 * token too (no identity source), because the list of open streams is public; whether a route lets an
 * anonymous caller in, and which scope it needs, is checked by the route itself.
 */
import type { APIGatewayRequestAuthorizerEventV2, Context } from 'aws-lambda';
import { readEnvironment } from '../environment.ts';
import { createObservability } from '../observability.ts';
import { TOKENS_SECRET } from '../secret-names.ts';
import { createSecrets, wiredOnce } from '../wiring.ts';
import { systemClock } from '../wiring-system.ts';
import { bearerToken, TokenAuthorizer } from './service.ts';

const observability = createObservability();

const wired = wiredOnce(async () => {
  const environment = readEnvironment('authorizer', process.env);
  const secrets = createSecrets(observability, environment.MIRROR_SECRET_PREFIX);
  return new TokenAuthorizer({ secrets: secrets.store, name: TOKENS_SECRET, clock: systemClock });
});

export const handler = (event: APIGatewayRequestAuthorizerEventV2, context: Context) =>
  observability.invocation(context, async () => {
    const token = bearerToken(event.headers?.['authorization']);
    const principal = token === undefined ? undefined : await (await wired()).principalOf(token);
    // Unknown tokens pass without a principal, so that the route answers them with a problem document.
    return {
      isAuthorized: true,
      context: principal ? { principal: principal.name, scopes: principal.scopes.join(' ') } : {},
    };
  });
