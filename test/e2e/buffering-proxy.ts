/**
 * A proxy as it stands before many a company's network: it passes everything on, but each answer only once it
 * is whole. What it holds back is real; a browser that is pointed at it sees nothing else.
 */
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export class BufferingProxy {
  readonly #server: Server;
  readonly #targetPort: number;

  /** @param targetPort of the platform on this machine. */
  constructor(targetPort: number) {
    this.#targetPort = targetPort;
    this.#server = createServer((incoming, outgoing) => {
      const { method, url, headers } = incoming;
      const passedOn = request({ host: '127.0.0.1', port: this.#targetPort, method, path: url, headers });
      outgoing.once('close', () => passedOn.destroy());
      passedOn.once('error', () => outgoing.destroy());
      passedOn.once('response', (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.once('error', () => outgoing.destroy());
        answer.once('end', () => {
          const body = Buffer.concat(chunks);
          const { 'transfer-encoding': _, ...kept } = answer.headers;
          outgoing.writeHead(answer.statusCode ?? 502, { ...kept, 'content-length': body.byteLength });
          outgoing.end(body);
        });
      });
      incoming.pipe(passedOn);
    });
  }

  /** @returns its port, on all addresses of this machine. */
  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, resolve));
    const { port } = this.#server.address() as AddressInfo;
    return port;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
