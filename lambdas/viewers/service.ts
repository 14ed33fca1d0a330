/** Viewer sessions: who may watch what, within the limits, by which signed URLs. */
import type {
  IssueTicketRequest,
  OpenSessionRequest,
  Playback,
  SessionView,
  SwapStreamsRequest,
  ViewerCountsView,
} from '../../domain/control/api.ts';
import { controlErrors, type NamedSession, ViewerStreamLimitError } from '../../domain/control/errors.ts';
import { newSessionId, type Randomness } from '../../domain/control/ids.ts';
import { CONTROL_LIMITS } from '../../domain/control/limits.ts';
import type { PreviewView } from '../../domain/control/operations-api.ts';
import { playbackExpiryMs, type SignedFolder, type UrlSigner } from '../../domain/control/playback.ts';
import type { SessionLimits, SessionOutcome, SessionRegistry } from '../../domain/control/registry.ts';
import { swappedStreams, type TicketClaims, type ViewerSession } from '../../domain/control/session.ts';
import type { Clock } from '../../domain/timeline.ts';
import type { SessionTokens } from './session-tokens.ts';
import type { Tickets } from './tickets.ts';
import type { WatchableStreams } from './watchable-streams.ts';

/** A cookie of a signed stream, valid below its path only, because one set of cookies holds one policy. */
export interface PlaybackCookie {
  readonly name: string;
  readonly value: string;
  readonly path: string;
  readonly maxAgeS: number;
}

export interface ViewerServiceDependencies {
  readonly registry: SessionRegistry;
  readonly streams: WatchableStreams;
  readonly tickets: Tickets;
  readonly tokens: SessionTokens;
  readonly signer: UrlSigner;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly limits: SessionLimits;
  /** Scheme and host of playback; `{streamId}` in it gives each stream a host of its own. */
  readonly playbackBaseUrl: string;
  readonly playbackTtlMs: number;
}

export interface Answered<View> {
  readonly view: View;
  readonly cookies: readonly PlaybackCookie[];
}

/** Two swaps of one session at the same moment: the second sees the first's panes and tries again. */
const SWAP_TRIES_MAX = 4;

export class ViewerService {
  readonly #dependencies: ViewerServiceDependencies;

  constructor(dependencies: ViewerServiceDependencies) {
    this.#dependencies = dependencies;
  }

  async issueTicket(request: IssueTicketRequest): Promise<{ ticket: string; expiresAt: string }> {
    const { ticket, expiresAtMs } = await this.#dependencies.tickets.issue(request);
    return { ticket, expiresAt: new Date(expiresAtMs).toISOString() };
  }

  async open(request: OpenSessionRequest): Promise<Answered<SessionView>> {
    const { registry, tickets, clock, randomness, limits } = this.#dependencies;
    const claims = await tickets.verify(request.ticket);
    await this.#checkPlayable(request.streams, claims.streams);
    const nowMs = clock.nowMs();
    const outcome = await registry.openSession(
      sessionOf(request, claims, newSessionId(randomness), nowMs),
      // Kept a little past its end, because clocks differ: until then it could still pass as valid.
      { id: claims.jti, expiresAtMs: claims.exp * 1000 + 10_000 },
      nowMs,
      limits,
    );
    const session = await this.#opened(outcome, claims.sub);
    return this.#withSelectable(session, await this.#answer(session, request.cookies));
  }

  async swap(
    sessionId: string,
    token: string | undefined,
    request: SwapStreamsRequest,
  ): Promise<Answered<SessionView>> {
    const { registry, clock, limits } = this.#dependencies;
    await this.#authenticate(sessionId, token);
    for (let tryIndex = 0; tryIndex < SWAP_TRIES_MAX; tryIndex++) {
      const session = await registry.getSession(sessionId, clock.nowMs());
      if (!session) throw controlErrors.create('SESSION_NOT_FOUND');
      const streamIds = swappedStreams(session.streamIds, request);
      if (streamIds.length === 0)
        throw controlErrors.create('INVALID_REQUEST', 'A session shows one stream at least; end it instead.');
      const added = streamIds.filter((id) => !session.streamIds.includes(id));
      await this.#checkPlayable(added, session.allowedStreamIds);
      const outcome = await registry.swapStreams(
        sessionId,
        streamIds,
        session.streamIds,
        clock.nowMs(),
        limits,
        request.delivery,
      );
      if (outcome.kind === 'conflict') continue;
      const swapped = await this.#opened(outcome, session.viewerId, sessionId);
      return this.#withSelectable(swapped, await this.#answer(swapped, request.cookies));
    }
    throw controlErrors.create('UNAVAILABLE', 'The session is being changed by too many requests at once.');
  }

  async renew(
    sessionId: string,
    token: string | undefined,
    { cookies }: { cookies: boolean },
  ): Promise<Answered<SessionView>> {
    const { registry, clock, limits } = this.#dependencies;
    await this.#authenticate(sessionId, token);
    const outcome = await registry.renewSession(sessionId, clock.nowMs(), limits);
    // A renewal asks for no place, so that no limit refuses it.
    if (outcome.kind !== 'ok') throw controlErrors.create('SESSION_NOT_FOUND');
    return this.#answer(outcome.session, cookies);
  }

  async close(sessionId: string, token: string | undefined): Promise<void> {
    await this.#authenticate(sessionId, token);
    const outcome = await this.#dependencies.registry.closeSession(
      sessionId,
      this.#dependencies.clock.nowMs(),
    );
    if (outcome === 'not-found') throw controlErrors.create('SESSION_NOT_FOUND');
  }

  /**
   * What opens a stream's media and recordings to its operator.
   *
   * @throws MirrorError `CONTROL_STREAM_NOT_FOUND`
   */
  async preview(streamId: string): Promise<PreviewView> {
    const { streams, signer, playbackBaseUrl } = this.#dependencies;
    const stream = await streams.find(streamId);
    if (!stream) throw controlErrors.create('STREAM_NOT_FOUND', `Its id would be "${streamId}".`);
    const expiresAtMs = this.#playbackExpiryMs(streamId);
    const base = playbackBaseUrl.replaceAll('{streamId}', streamId);
    const folder = async (name: 'open' | SignedFolder) => {
      const path = `/${name}/${streamId}/`;
      const signed = name === 'open' ? {} : await signer.sign({ streamId, expiresAtMs, folder: name });
      return { baseUrl: base + path, path, query: { ...signed } };
    };
    return {
      streamId,
      media: await folder(stream.access === 'open' ? 'open' : 'live'),
      recordings: await folder('recordings'),
      expiresAt: new Date(expiresAtMs).toISOString(),
    };
  }

  async count(): Promise<ViewerCountsView> {
    const { registry, clock, limits } = this.#dependencies;
    const counts = await registry.countViewers(clock.nowMs());
    return { ...counts, viewerCountMax: limits.viewerCount };
  }

  async #authenticate(sessionId: string, token: string | undefined): Promise<void> {
    if (token === undefined || !(await this.#dependencies.tokens.matches(sessionId, token)))
      throw controlErrors.create('UNAUTHENTICATED', "Use the session's own token.");
  }

  async #checkPlayable(
    streamIds: readonly string[],
    allowed: TicketClaims['streams'] | ViewerSession['allowedStreamIds'],
  ): Promise<void> {
    for (const streamId of streamIds) {
      // One answer for "unknown" and "not yours": a ticket must not find out which streams exist.
      if (
        (allowed !== '*' && !allowed.includes(streamId)) ||
        !(await this.#dependencies.streams.find(streamId))
      )
        throw controlErrors.create('STREAM_NOT_PLAYABLE', `It is "${streamId}".`);
    }
  }

  /** @param ownSessionId is left out of the sessions that hold the places. */
  async #opened(outcome: SessionOutcome, viewerId: string, ownSessionId = ''): Promise<ViewerSession> {
    const { limits } = this.#dependencies;
    if (outcome.kind === 'ok') return outcome.session;
    if (outcome.kind === 'not-found') throw controlErrors.create('SESSION_NOT_FOUND');
    if (outcome.kind === 'ticket-used') throw controlErrors.create('TICKET_USED');
    if (outcome.kind === 'viewer-limit')
      throw controlErrors.create('VIEWER_LIMIT', `They are ${limits.viewerCount}.`);
    throw new ViewerStreamLimitError(
      `${outcome.inUseCount} of ${limits.streamsPerViewer} are in use.`,
      await this.#otherSessions(viewerId, ownSessionId),
    );
  }

  async #otherSessions(viewerId: string, ownSessionId: string): Promise<readonly NamedSession[]> {
    const { registry, streams, clock } = this.#dependencies;
    const all = await registry.sessionsOfViewer(viewerId, clock.nowMs());
    return Promise.all(
      all
        .filter(({ sessionId }) => sessionId !== ownSessionId)
        .map(async ({ sessionId, createdAtMs, expiresAtMs, streamIds }) => ({
          sessionId,
          openedAt: new Date(createdAtMs).toISOString(),
          expiresAt: new Date(expiresAtMs).toISOString(),
          streams: await streams.named(streamIds),
        })),
    );
  }

  async #withSelectable(
    { allowedStreamIds }: ViewerSession,
    { view, cookies }: Answered<SessionView>,
  ): Promise<Answered<SessionView>> {
    const selectable = await this.#dependencies.streams.named(allowedStreamIds);
    return { view: { ...view, selectable: [...selectable] }, cookies };
  }

  async #answer(session: ViewerSession, withCookies: boolean): Promise<Answered<SessionView>> {
    const { tokens, clock, limits } = this.#dependencies;
    const nowMs = clock.nowMs();
    const expiries = session.streamIds.map((streamId) => ({
      streamId,
      expiresAtMs: this.#playbackExpiryMs(streamId),
    }));
    const expiresAtMs = Math.min(...expiries.map((expiry) => expiry.expiresAtMs));
    const [sessionToken, ...streams] = await Promise.all([
      tokens.issue(session.sessionId),
      ...expiries.map((expiry) => this.#playback(expiry)),
    ]);
    const maxAgeS = Math.floor((expiresAtMs - nowMs) / 1000);
    return {
      view: {
        sessionId: session.sessionId,
        viewerId: session.viewerId,
        delivery: session.delivery,
        expiresAt: new Date(session.expiresAtMs).toISOString(),
        renewAfterS: Math.floor(limits.leaseMs / 3_000),
        playbackExpiresAt: new Date(expiresAtMs).toISOString(),
        streams,
        sessionToken,
      },
      cookies: withCookies ? streams.flatMap((playback) => cookiesOf(playback, maxAgeS)) : [],
    };
  }

  #playbackExpiryMs(streamId: string): number {
    const { clock, playbackTtlMs } = this.#dependencies;
    return playbackExpiryMs(clock.nowMs(), {
      streamId,
      ttlMs: playbackTtlMs,
      stepMs: Math.min(CONTROL_LIMITS.playbackExpiryStepMs, playbackTtlMs),
    });
  }

  async #playback({ streamId, expiresAtMs }: { streamId: string; expiresAtMs: number }): Promise<Playback> {
    const { streams, signer, playbackBaseUrl } = this.#dependencies;
    const stream = await streams.find(streamId);
    const base = playbackBaseUrl.replaceAll('{streamId}', streamId);
    const name = stream?.name ?? streamId;
    if (stream?.access === 'open') {
      const playlistPath = `/open/${streamId}/index.m3u8`;
      return { streamId, name, playlistPath, playlistUrl: base + playlistPath, query: {} };
    }
    const signed = await signer.sign({ streamId, expiresAtMs });
    const query = {
      Policy: signed.Policy,
      Signature: signed.Signature,
      'Key-Pair-Id': signed['Key-Pair-Id'],
    };
    const playlistPath = `/live/${streamId}/index.m3u8?${new URLSearchParams(query).toString()}`;
    return { streamId, name, playlistPath, playlistUrl: base + playlistPath, query };
  }
}

function sessionOf(
  request: OpenSessionRequest,
  claims: TicketClaims,
  sessionId: string,
  nowMs: number,
): Omit<ViewerSession, 'expiresAtMs'> {
  return {
    sessionId,
    viewerId: claims.sub,
    streamIds: request.streams,
    allowedStreamIds: claims.streams,
    delivery: request.delivery,
    createdAtMs: nowMs,
  };
}

function cookiesOf({ streamId, query }: Playback, maxAgeS: number): PlaybackCookie[] {
  return Object.entries(query).map(([name, value]) => ({
    name: `CloudFront-${name}`,
    value,
    path: `/live/${streamId}/`,
    maxAgeS,
  }));
}
