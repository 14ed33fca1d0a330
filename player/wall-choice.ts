/**
 * What a person has chosen to see: which feeds, in which layout, and the one that the keys, the sound and the
 * large place belong to. It lives in the address, so that a link shares it. Pure.
 */
import type { DeliveryMode } from '../domain/delivery.ts';
import { SEED_LIMITS } from '../domain/profile.ts';
import { STREAM_ID_PATTERN } from '../domain/stream-id.ts';
import { deliveryFromAddress } from './delivery.ts';

export const PANES_MAX = SEED_LIMITS.streamsPerViewer;

/**
 * `auto` has a place for each feed, a number as many places as it says (further feeds wait on further pages),
 * `focus` one large place and small ones for the others.
 */
export const LAYOUTS = ['auto', '1', '2', '3', '4', '6', 'focus'] as const;
export type LayoutName = (typeof LAYOUTS)[number];

export interface WallChoice {
  /** In the order of the panes; undefined while the person has chosen none: then the first that there are. */
  readonly streamIds: readonly string[] | undefined;
  readonly layout: LayoutName;
  /** Undefined until the person has chosen: then the first. */
  readonly focusId: string | undefined;
  /** Undefined until the person has chosen: then the session's, if there is one. */
  readonly delivery: DeliveryMode | undefined;
}

/** What the address asks for. Unusable values are left out. */
export function choiceFromAddress(search: string): WallChoice {
  const parameters = new URLSearchParams(search);
  const streams = parameters.get('streams');
  const layout = parameters.get('layout');
  const focusId = parameters.get('focus');
  return {
    streamIds: streams === null ? undefined : usableIds(streams.split(',')),
    layout: LAYOUTS.find((name) => name === layout) ?? 'auto',
    focusId: focusId !== null && STREAM_ID_PATTERN.test(focusId) ? focusId : undefined,
    delivery: deliveryFromAddress(search),
  };
}

function usableIds(ids: readonly string[]): readonly string[] {
  return [...new Set(ids.filter((id) => STREAM_ID_PATTERN.test(id)))].slice(0, PANES_MAX);
}

/** The address that shows this, other parameters kept. */
export function addressOf({ streamIds, layout, focusId, delivery }: WallChoice, search: string): string {
  const parameters = new URLSearchParams(search);
  for (const name of ['streams', 'layout', 'focus', 'delivery']) parameters.delete(name);
  const rest = parameters.toString();
  const parts = [
    // By hand: a comma needs no escape here, and reads better without.
    ...(streamIds === undefined ? [] : [`streams=${streamIds.join(',')}`]),
    ...(layout === 'auto' ? [] : [`layout=${layout}`]),
    ...(focusId === undefined ? [] : [`focus=${focusId}`]),
    ...(delivery === undefined ? [] : [`delivery=${delivery}`]),
    ...(rest === '' ? [] : [rest]),
  ];
  return parts.length === 0 ? '/' : `/?${parts.join('&')}`;
}

/** How many places a layout has for so many feeds. */
export function placeCount(layout: LayoutName, feedCount: number): number {
  return layout === 'auto' || layout === 'focus' ? feedCount : Number(layout);
}

/** The feeds that a layout has places for: the page of them on which the focus is. */
export function idsOnPage(
  ids: readonly string[],
  layout: LayoutName,
  focusId: string | undefined,
): readonly string[] {
  const perPage = placeCount(layout, ids.length);
  if (perPage >= ids.length) return ids;
  const page = Math.floor(Math.max(0, ids.indexOf(focusId ?? '')) / perPage);
  return ids.slice(page * perPage, (page + 1) * perPage);
}

/** The feed that has the focus after so many steps forwards or, negative, backwards; round at the ends. */
export function stepped(
  ids: readonly string[],
  focusId: string | undefined,
  step: number,
): string | undefined {
  if (ids.length === 0) return undefined;
  const index = ids.indexOf(focusId ?? '');
  return index < 0 ? ids[0] : ids[(index + step + ids.length) % ids.length];
}

/** The feeds with one of them so many places further on, or back; round at the ends. */
export function moved(ids: readonly string[], id: string, step: number): readonly string[] {
  const index = ids.indexOf(id);
  return index < 0 ? ids : swapped(ids, id, ids[(index + step + ids.length) % ids.length] ?? id);
}

/** The feeds with two of them in each other's place. */
export function swapped(ids: readonly string[], a: string, b: string): readonly string[] {
  return ids.map((id) => (id === a ? b : id === b ? a : id));
}

/** Adds a feed. With all panes in use, the one that has the focus makes room. */
export function withFeed(ids: readonly string[], id: string, focusId: string | undefined): readonly string[] {
  if (ids.includes(id)) return ids;
  if (ids.length < PANES_MAX) return [...ids, id];
  const replacedIndex = Math.max(0, ids.indexOf(focusId ?? ''));
  return ids.map((shown, index) => (index === replacedIndex ? id : shown));
}

export function nextLayout(layout: LayoutName): LayoutName {
  return LAYOUTS[(LAYOUTS.indexOf(layout) + 1) % LAYOUTS.length] ?? 'auto';
}
