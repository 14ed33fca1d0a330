/** A real redis-server for tests, on a Unix socket in a directory of its own, with nothing on disk. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createServer as createTlsServer } from 'node:tls';

export class RedisServer {
  readonly socketPath: string;
  readonly #directory: string;
  readonly #args: readonly string[];
  #process: ChildProcess | undefined;

  private constructor(directory: string, args: readonly string[]) {
    this.#directory = directory;
    this.socketPath = join(directory, 'redis.sock');
    this.#args = args;
  }

  /** @param args more options for redis-server, e.g. `--requirepass`. */
  static async start(...args: string[]): Promise<RedisServer> {
    const server = new RedisServer(await mkdtemp(join(tmpdir(), 'mirror-redis-')), args);
    await server.startAgain();
    return server;
  }

  /** Empty, since nothing was kept. */
  async startAgain(): Promise<void> {
    const options = ['--port', '0', '--unixsocket', this.socketPath, '--save', '', '--appendonly', 'no'];
    const child = spawn('redis-server', [...options, ...this.#args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#process = child;
    // Also when a test forgets to close, or fails before it can.
    const kill = () => child.kill('SIGKILL');
    process.once('exit', kill);
    child.once('exit', () => process.off('exit', kill));
    const failed = once(child, 'exit').then(([code]) => {
      throw new Error(`redis-server ended with ${code}. Is it installed? npm test installs it.`);
    });
    const lines = createInterface(child.stdout);
    const ready = (async () => {
      for await (const line of lines) if (/ready to accept connections/i.test(line)) return;
    })();
    await Promise.race([ready, failed]);
    failed.catch(() => undefined);
    child.stdout.resume();
  }

  /** As a crash: no farewell to anybody. */
  async kill(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }

  /** Stops answering without closing any connection, as a machine that hangs. */
  freeze(): void {
    this.#process?.kill('SIGSTOP');
  }

  thaw(): void {
    this.#process?.kill('SIGCONT');
  }

  async close(): Promise<void> {
    await this.kill();
    await rm(this.#directory, { recursive: true, force: true });
  }
}

/** A TCP port that leads to the server and can be cut, or told to swallow the answers. */
export class RedisProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #swallowAnswers = false;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** @param tls makes it speak TLS with this certificate. */
  static async start(redis: RedisServer, tls?: { cert: string; key: string }): Promise<RedisProxy> {
    const server = tls ? createTlsServer(tls) : createServer();
    const proxy = new RedisProxy(server);
    server.on(tls ? 'secureConnection' : 'connection', (client: Socket) => {
      const upstream = connect(redis.socketPath);
      for (const socket of [client, upstream]) {
        proxy.#sockets.add(socket);
        socket.on('error', () => socket.destroy());
        socket.on('close', () => {
          proxy.#sockets.delete(socket);
          client.destroy();
          upstream.destroy();
        });
      }
      client.on('data', (data) => upstream.write(data));
      upstream.on('data', (data) => {
        if (!proxy.#swallowAnswers) client.write(data);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the proxy has no TCP port');
    return address.port;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Clients that are connected now. */
  get connectionCount(): number {
    // Each has its own way on to the server.
    return this.#sockets.size / 2;
  }

  /** Cuts every connection there is. New ones are let in. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Commands still reach Redis, but nobody hears of it: the worst moment for a writer. */
  swallowAnswers(swallow: boolean): void {
    this.#swallowAnswers = swallow;
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
