/**
 * Answers plain GET requests of live paths beside a node:http server, on the same port: half of what such an
 * answer costs is node:http's own. Whatever is not plain (another method or path, a body, an upgrade, anything
 * malformed) goes to that server, connection and all, so that both give the same answers to the same bytes.
 * Why so: docs/decisions/direct-answers.md.
 */
import type { Server } from 'node:http';
import { Socket } from 'node:net';
import type { OriginRequest, OriginResponse } from '../response.ts';
import { type ConnectionDependencies, DirectConnection } from './direct-connection.ts';
import { AnswerWriter } from './direct-response.ts';
import { HeadReader } from './request-head.ts';

/** A head that is sent in pieces comes whole within a round trip or two. */
const PARTIAL_HEAD_MS = 1_000;

export interface DirectServerOptions {
  /** Answers requests whose path begins with /live/ or /open/. */
  readonly handle: (request: OriginRequest, response: OriginResponse) => void;
  readonly nowMs: () => number;
  /** How long the rest of a head may take before node:http has to deal with its sender. */
  readonly partialHeadMs?: number;
}

export class DirectServer {
  readonly #server: Server;
  readonly #connections = new Set<DirectConnection>();

  /**
   * @param server takes its connections through this from now on. Its own time-outs hold here too, so they must
   *   be set before.
   */
  static before(server: Server, options: DirectServerOptions): DirectServer {
    return new DirectServer(server, options);
  }

  private constructor(
    server: Server,
    { handle, nowMs, partialHeadMs = PARTIAL_HEAD_MS }: DirectServerOptions,
  ) {
    this.#server = server;
    const ownListeners = server.listeners('connection');
    server.removeAllListeners('connection');
    const dependencies: ConnectionDependencies = {
      handle,
      nowMs,
      heads: new HeadReader(),
      writer: new AnswerWriter({ keepAliveMs: server.keepAliveTimeout, nowMs }),
      onGone: (connection) => this.#connections.delete(connection),
      handOver: (socket, unread) => {
        socket.pause();
        if (unread.byteLength > 0) socket.unshift(unread);
        for (const listener of ownListeners) listener.call(server, socket);
        socket.resume();
      },
    };
    server.on('connection', (socket: unknown) => {
      if (socket instanceof Socket) this.#connections.add(new DirectConnection(socket, dependencies));
    });
    const sweeper = setInterval(() => {
      const limits = { keepAliveMs: server.keepAliveTimeout, partialHeadMs };
      for (const connection of this.#connections) connection.sweep(nowMs(), limits);
    }, partialHeadMs);
    sweeper.unref();
    server.once('close', () => clearInterval(sweeper));
  }

  /** As `closeIdleConnections` of node:http; what is being answered is closed after its answer. */
  closeIdleConnections(): void {
    for (const connection of this.#connections) connection.closeWhenIdle();
    this.#server.closeIdleConnections();
  }

  closeAllConnections(): void {
    for (const connection of this.#connections) connection.destroy();
    this.#server.closeAllConnections();
  }
}
