/**
 * For players that ask by themselves for all that a playlist names: the session's answers set the signatures as
 * cookies, too.
 */

type Ask = (path: string, init: RequestInit) => Promise<Response>;

/** Asks the same, with `cookies: true` in the body of every call that has one or may have one. */
export function askingForCookies(ask: Ask): Ask {
  return (path, init) => {
    if (init.method !== 'POST' && init.method !== 'PATCH') return ask(path, init);
    const asked: unknown = typeof init.body === 'string' ? JSON.parse(init.body) : {};
    const headers = new Headers(init.headers);
    headers.set('content-type', 'application/json');
    return ask(path, {
      ...init,
      headers,
      credentials: 'include',
      body: JSON.stringify({ ...Object(asked), cookies: true }),
    });
  };
}

/**
 * Folder of a stream on the page's own host, where its cookies are; hosts of its own, which a page on this
 * machine gives to each stream, would not get them.
 *
 * @param stated where media comes from when the page says so: a host below the cookies' domain.
 */
export function cookieStreamUrl(
  id: string,
  access: 'open' | 'live',
  { origin }: { readonly origin: string },
  stated: string | undefined,
): string {
  return `${stated ?? origin}/${access}/${id}/`;
}
