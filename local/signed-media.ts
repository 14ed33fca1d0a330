/** The edge of this machine: lets media through as CloudFront would, with the same signatures and refusals. */
import type { Log } from '../domain/log.ts';
import { answerText, type FrontHandler } from './front-server.ts';
import type { SignedDelivery } from './signed-delivery.ts';

export interface SignedMediaDependencies {
  readonly delivery: Pick<SignedDelivery, 'check'>;
  readonly media: FrontHandler;
  readonly log: Log;
}

/** Serves /live/ and /recordings/ to those whose signature holds, and /open/ to everybody. */
export function createSignedMedia({ delivery, media, log }: SignedMediaDependencies): FrontHandler {
  return (request, response) => {
    const url = request.url ?? '/';
    if (!url.startsWith('/open/') && request.method !== 'OPTIONS') {
      const verdict = delivery.check({
        url,
        cookie: request.headers.cookie,
        sourceIp: request.socket.remoteAddress,
      });
      if (verdict.kind === 'refused') {
        // Without the query: a signature that is only too early or for another address is still one.
        log.debug('delivery-refused', { path: url.split('?', 1)[0], reason: verdict.reason });
        answerText(response, 403, 'Access denied: the signature is missing, wrong or expired.', {
          // As CloudFront's response headers policy does: a page must see that it was refused.
          'access-control-allow-origin': '*',
        });
        return;
      }
    }
    media(request, response);
  };
}
