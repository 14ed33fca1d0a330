/**
 * Delivery modes as a player follows them. A mode is wished for by the address or the session; what a pane may
 * do now depends on how late it plays: media that comes whole is older when it comes, so a pane that plays near
 * the edge goes on taking media as it grows until it has fallen back far enough. That is how a mode changes
 * without a pause.
 */
import { DELIVERY_MODES, DELIVERY_PLANS, type DeliveryMode, type DeliveryPlan } from '../domain/delivery.ts';
import { SEED_PROFILE } from '../domain/profile.ts';

export { DELIVERY_MODES, type DeliveryMode } from '../domain/delivery.ts';

/** Of `?delivery=`; undefined when it is absent or no mode of ours. */
export function deliveryFromAddress(search: string): DeliveryMode | undefined {
  return deliveryNamed(new URLSearchParams(search).get('delivery'));
}

/** A mode by its name, as a session answers it. */
export function deliveryNamed(name: unknown): DeliveryMode | undefined {
  return DELIVERY_MODES.find((mode) => mode === name);
}

/** Beyond the age that whole media has when it is complete: encoder, origin and network. */
const WHOLE_SLACK_MS = 250;

/** The least latency at which a plan's media comes in time. */
export function playableLatencyMs({ taken, segmentsPerRequest }: DeliveryPlan): number {
  return taken === 'whole' ? segmentsPerRequest * SEED_PROFILE.segmentMs + WHOLE_SLACK_MS : 0;
}

/**
 * The plan that a pane follows now.
 *
 * @param latencyMs how late the pane plays, or will play; undefined while that is not known.
 */
export function planInEffect(wished: DeliveryMode, latencyMs: number | undefined): DeliveryPlan {
  const plan = DELIVERY_PLANS[wished];
  return latencyMs !== undefined && latencyMs < playableLatencyMs(plan)
    ? DELIVERY_PLANS['lowest-latency']
    : plan;
}
