/** Asks the API as an operator or an application does. */

/**
 * @param bearer a token; empty for none.
 * @throws Error with the answer's status and body when it is not a success.
 */
export async function callApi(
  pageUrl: string,
  { method, path, body, bearer }: { method: string; path: string; body?: object | undefined; bearer: string },
): Promise<unknown> {
  const response = await fetch(new URL(path, pageUrl), {
    method,
    headers: {
      ...(bearer === '' ? {} : { authorization: `Bearer ${bearer}` }),
      ...(body ? { 'content-type': 'application/json' } : {}),
    },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
  return response.status === 204 ? undefined : response.json();
}
