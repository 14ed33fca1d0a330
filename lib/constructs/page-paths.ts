/**
 * A CloudFront function for the behaviour that serves pages from S3, which knows objects and no folders:
 * `/console/` is answered with `/console/index.html`, `/console` is sent there. Files have a dot in their name.
 * Plain JavaScript, since it runs at the edge as it is (CloudFront Developer Guide, "JavaScript runtime 2.0").
 */
export const PAGE_PATHS_CODE = `function handler(event) {
  const request = event.request;
  const last = request.uri.slice(request.uri.lastIndexOf('/') + 1);
  if (last === '') {
    request.uri += 'index.html';
    return request;
  }
  if (last.includes('.')) return request;
  return {
    statusCode: 308,
    statusDescription: 'Permanent Redirect',
    headers: { location: { value: '/' + request.uri.replace(/^\\/+/, '') + '/' } },
  };
}
`;
