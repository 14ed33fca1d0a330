/** Tickets: short-lived JWTs (RFC 7519) that the application's backend hands to its viewer. */
import { errors as joseErrors, jwtVerify, SignJWT } from 'jose';
import type { IssueTicketRequest } from '../../domain/control/api.ts';
import { controlErrors } from '../../domain/control/errors.ts';
import { newTicketId, type Randomness } from '../../domain/control/ids.ts';
import { type TicketClaims, ticketClaimsSchema } from '../../domain/control/session.ts';
import type { Clock } from '../../domain/timeline.ts';
import type { KeyRing } from './keys.ts';

/** RFC 8725 §3.11: a type of its own, so that no other token of the same key passes for a ticket. */
const TICKET_TYPE = 'mirror-ticket+jwt';
/** The only algorithm that is accepted, whatever a header says (RFC 8725 §3.1). */
const ALGORITHM = 'HS256';
/** Between the clocks of the Lambdas. */
const CLOCK_TOLERANCE_S = 2;

export class Tickets {
  readonly #keys: KeyRing;
  readonly #clock: Clock;
  readonly #randomness: Randomness;
  readonly #audience: string;

  /** @param audience names the environment: a ticket of one is worth nothing in another. */
  constructor({
    keys,
    clock,
    randomness,
    audience,
  }: {
    keys: KeyRing;
    clock: Clock;
    randomness: Randomness;
    audience: string;
  }) {
    this.#keys = keys;
    this.#clock = clock;
    this.#randomness = randomness;
    this.#audience = audience;
  }

  async issue(request: IssueTicketRequest): Promise<{ ticket: string; expiresAtMs: number }> {
    const { kid, cryptoKey } = await this.#keys.signing();
    const issuedAtS = Math.floor(this.#clock.nowMs() / 1000);
    const expiresAtS = issuedAtS + request.ttlS;
    const ticket = await new SignJWT({ streams: request.streams })
      .setProtectedHeader({ alg: ALGORITHM, typ: TICKET_TYPE, kid })
      .setSubject(request.viewerId)
      .setAudience(this.#audience)
      .setJti(newTicketId(this.#randomness))
      .setIssuedAt(issuedAtS)
      .setExpirationTime(expiresAtS)
      .sign(await cryptoKey);
    return { ticket, expiresAtMs: expiresAtS * 1000 };
  }

  /** @throws MirrorError `CONTROL_TICKET_INVALID`, `CONTROL_TICKET_EXPIRED` */
  async verify(ticket: string): Promise<TicketClaims> {
    try {
      const { payload } = await jwtVerify(
        ticket,
        async ({ kid }) => {
          const key = kid === undefined ? undefined : await this.#keys.byId(kid);
          if (!key) throw controlErrors.create('TICKET_INVALID', 'It was signed with an unknown key.');
          return key.cryptoKey;
        },
        {
          algorithms: [ALGORITHM],
          typ: TICKET_TYPE,
          audience: this.#audience,
          requiredClaims: ['exp', 'iat', 'jti', 'sub'],
          clockTolerance: CLOCK_TOLERANCE_S,
          currentDate: new Date(this.#clock.nowMs()),
        },
      );
      const claims = ticketClaimsSchema.safeParse(payload);
      if (!claims.success)
        throw controlErrors.create('TICKET_INVALID', 'Its claims are not those of a ticket.');
      return claims.data;
    } catch (error) {
      if (error instanceof joseErrors.JWTExpired) throw controlErrors.create('TICKET_EXPIRED');
      if (error instanceof joseErrors.JOSEError)
        throw controlErrors.create('TICKET_INVALID', undefined, { cause: error });
      throw error;
    }
  }
}
