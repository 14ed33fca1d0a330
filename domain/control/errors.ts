/**
 * What the control API can answer besides success. The code is stable: clients compare it, and the problem
 * document (RFC 9457) names it in `type` and `code`. The HTTP status belongs to the code, not to the place
 * that throws it.
 */
import { defineErrors, MirrorError } from '../errors.ts';

export const controlErrors = defineErrors('CONTROL', {
  INVALID_REQUEST: {
    retryable: false,
    meaning: 'The request does not match what this route takes.',
    remedy: 'Correct the fields named in "errors"; /v1/openapi.json describes every route.',
  },
  MALFORMED_JSON: {
    retryable: false,
    meaning: 'The body is not JSON.',
    remedy: 'Send one JSON object, encoded as UTF-8, with content-type application/json.',
  },
  BODY_TOO_LARGE: {
    retryable: false,
    meaning: 'The body is larger than 64 KB.',
    remedy: 'Send less: no request of this API needs more.',
  },
  UNSUPPORTED_MEDIA_TYPE: {
    retryable: false,
    meaning: 'The body is not declared as JSON.',
    remedy: 'Send the header content-type: application/json.',
  },
  UNAUTHENTICATED: {
    retryable: false,
    meaning: 'The request carries no token that this environment knows.',
    remedy: 'Send authorization: Bearer TOKEN with a token of this environment.',
  },
  FORBIDDEN: {
    retryable: false,
    meaning: 'The token does not hold the scope that this route needs.',
    remedy: 'Use a token with the scope named in the detail.',
  },
  ROUTE_NOT_FOUND: {
    retryable: false,
    meaning: 'There is no such route.',
    remedy: 'See /v1/openapi.json for the routes.',
  },
  METHOD_NOT_ALLOWED: {
    retryable: false,
    meaning: 'The route does not take this method.',
    remedy: 'Use one of the methods in the allow header.',
  },
  STREAM_NOT_FOUND: {
    retryable: false,
    meaning: 'There is no such stream.',
    remedy: 'List the streams to see their ids.',
  },
  STREAM_EXISTS: {
    retryable: false,
    meaning: 'A stream with this id exists already.',
    remedy: 'Choose another id, or leave it out to get one.',
  },
  STREAM_LIMIT: {
    retryable: false,
    meaning: 'No more streams can be kept.',
    remedy: 'Delete streams that are no longer needed.',
  },
  STREAM_RUNNING: {
    retryable: false,
    meaning: 'The stream is running.',
    remedy: 'Stop it first.',
  },
  STREAM_BUSY: {
    retryable: true,
    meaning: 'Another start or stop of this stream is still in progress.',
    remedy: 'Try again in a few seconds.',
  },
  STREAM_NOT_PLAYABLE: {
    retryable: false,
    meaning: 'A stream of this request cannot be watched in a session.',
    remedy: 'Ask for streams that exist and that the ticket covers.',
  },
  NO_FREE_SLOT: {
    retryable: true,
    meaning: 'Every ingest slot is taken.',
    remedy: 'Stop one of the streams named in "holders".',
  },
  ADDRESS_REFUSED: {
    retryable: false,
    meaning: 'The caller address is not one that this environment connects to.',
    remedy: 'Use a public address, or have the operator allow the range in the configuration.',
  },
  INGEST_UNSUPPORTED: {
    retryable: false,
    meaning: 'This environment cannot take such a feed.',
    remedy: 'Use one of the other ingest protocols; see the detail.',
  },
  LAUNCH_FAILED: {
    retryable: true,
    meaning: 'The stream could not be started; its slot, secret and service were given back.',
    remedy: 'Read the reason in the detail, and start it again.',
  },
  TICKET_INVALID: {
    retryable: false,
    meaning: 'The ticket is not valid.',
    remedy: 'Ask the application backend for a new ticket.',
  },
  TICKET_EXPIRED: {
    retryable: false,
    meaning: 'The ticket has expired.',
    remedy: 'Ask the application backend for a new ticket; they live for seconds.',
  },
  TICKET_USED: {
    retryable: false,
    meaning: 'The ticket was used already.',
    remedy: 'Ask the application backend for a new ticket for each session.',
  },
  VIEWER_STREAM_LIMIT: {
    retryable: false,
    meaning: 'The viewer watches as many streams as one viewer may, over all sessions.',
    remedy: 'Close a pane or another session of this viewer; an abandoned one frees itself within 90 s.',
  },
  VIEWER_LIMIT: {
    retryable: true,
    meaning: 'As many viewers as this environment admits are watching.',
    remedy: 'Try again later.',
  },
  SESSION_NOT_FOUND: {
    retryable: false,
    meaning: 'There is no such session, or its lease has run out.',
    remedy: 'Open a new session with a new ticket.',
  },
  IDEMPOTENCY_KEY_REUSED: {
    retryable: false,
    meaning: 'The Idempotency-Key was used before with another request.',
    remedy: 'Make a new key for each new request.',
  },
  IDEMPOTENCY_IN_PROGRESS: {
    retryable: true,
    meaning: 'The first request with this Idempotency-Key is still in progress.',
    remedy: 'Try again in a second.',
  },
  UNAVAILABLE: {
    retryable: true,
    meaning: 'A service that this request needs does not answer.',
    remedy: 'Try again in a few seconds.',
  },
  INTERNAL: {
    retryable: false,
    meaning: 'Something went wrong on our side.',
    remedy: 'Report the "instance" of this answer to the operators.',
  },
});

export type ControlErrorName = keyof typeof controlErrors.definitions;

/** The HTTP status that each code is answered with. */
export const CONTROL_ERROR_STATUS: Readonly<Record<ControlErrorName, number>> = {
  INVALID_REQUEST: 400,
  MALFORMED_JSON: 400,
  BODY_TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  ROUTE_NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  STREAM_NOT_FOUND: 404,
  STREAM_EXISTS: 409,
  STREAM_LIMIT: 409,
  STREAM_RUNNING: 409,
  STREAM_BUSY: 409,
  STREAM_NOT_PLAYABLE: 422,
  NO_FREE_SLOT: 409,
  ADDRESS_REFUSED: 422,
  INGEST_UNSUPPORTED: 422,
  LAUNCH_FAILED: 502,
  TICKET_INVALID: 401,
  TICKET_EXPIRED: 401,
  TICKET_USED: 409,
  VIEWER_STREAM_LIMIT: 409,
  VIEWER_LIMIT: 503,
  SESSION_NOT_FOUND: 404,
  IDEMPOTENCY_KEY_REUSED: 422,
  IDEMPOTENCY_IN_PROGRESS: 409,
  UNAVAILABLE: 503,
  INTERNAL: 500,
};

/** Who holds a slot, as an answer names it. */
export interface NamedHolder {
  readonly slotIndex: number;
  readonly streamId: string;
}

/** A session of a viewer as an answer names it to that viewer: what it shows, and nothing that opens it. */
export interface NamedSession {
  /** Names it, and opens nothing: whoever changes a session needs its token. */
  readonly sessionId: string;
  /** ISO 8601, as is `expiresAt`: its places come free then, if it is not renewed. */
  readonly openedAt: string;
  readonly expiresAt: string;
  readonly streams: readonly { readonly streamId: string; readonly name: string }[];
}

/** `CONTROL_VIEWER_STREAM_LIMIT` with the viewer's other sessions, which hold the places. */
export class ViewerStreamLimitError extends MirrorError {
  readonly sessions: readonly NamedSession[];

  constructor(detail: string, sessions: readonly NamedSession[]) {
    super(
      `${controlErrors.family}_VIEWER_STREAM_LIMIT`,
      controlErrors.definitions.VIEWER_STREAM_LIMIT,
      detail,
    );
    this.sessions = sessions;
  }
}

/** `CONTROL_NO_FREE_SLOT` with the holders as data, so that a client can offer to stop one of them. */
export class NoFreeSlotError extends MirrorError {
  readonly holders: readonly NamedHolder[];

  constructor(holders: readonly NamedHolder[]) {
    super(`${controlErrors.family}_NO_FREE_SLOT`, controlErrors.definitions.NO_FREE_SLOT);
    this.holders = holders.map(({ slotIndex, streamId }) => ({ slotIndex, streamId }));
  }
}
