/** Which view is shown: the list, or one stream. It stands behind the `#`, so that reload and Back work. */
import { STREAM_ID_PATTERN } from '../../domain/stream-id.ts';

export type Route = { readonly view: 'list' } | { readonly view: 'stream'; readonly streamId: string };

export function routeOf(hash: string): Route {
  const [, streamId] = /^#\/streams\/([^/]+)$/.exec(hash) ?? [];
  return streamId !== undefined && STREAM_ID_PATTERN.test(streamId)
    ? { view: 'stream', streamId }
    : { view: 'list' };
}

export function hashOf(route: Route): string {
  return route.view === 'stream' ? `#/streams/${route.streamId}` : '#/';
}
