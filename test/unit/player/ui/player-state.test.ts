import { beforeEach, describe, expect, it } from 'vitest';
import type { DeliveryMode } from '../../../../domain/delivery.ts';
import type { StreamSummary } from '../../../../player/pane-words.ts';
import { PlayerState, type SessionState } from '../../../../player/ui/player-state.ts';
import type { SessionChange } from '../../../../player/viewer-session.ts';

const STREAMS: readonly StreamSummary[] = 'abcdefgh'.split('').map((id) => ({
  id,
  name: `Feed ${id}`,
  state: 'live',
}));

/** The wall as far as the state knows it. */
class FakeWall {
  streamIds: readonly string[] = [];
  audibleId: string | undefined;
  delivery: DeliveryMode = 'lowest-latency';
  showCount = 0;

  show(ids: readonly string[]): void {
    this.streamIds = ids;
    this.showCount += 1;
    if (this.audibleId !== undefined && !ids.includes(this.audibleId)) this.audibleId = undefined;
  }

  knowStreams(): void {}

  captionsShown = false;
  captionsFail = false;

  async showCaptions(shown: boolean): Promise<void> {
    if (this.captionsFail) throw new TypeError('no network');
    this.captionsShown = shown;
  }

  toggleSound(id: string): void {
    this.audibleId = this.audibleId === id ? undefined : id;
  }
}

let wall = new FakeWall();
let soundMemory = { wasOn: false };
let address = '/';
let addresses: { address: string; how: string }[] = [];

const NO_SESSION: SessionState = { streams: [], selectable: [], delivery: undefined, problem: undefined };

/** A session as far as the state knows it: it does every swap that `refusal` does not forbid. */
class FakeSession implements SessionState {
  streams: SessionState['streams'] = [];
  selectable: SessionState['selectable'] = [];
  delivery: SessionState['delivery'];
  problem: SessionState['problem'];
  refusal: string | undefined;
  readonly swaps: SessionChange[] = [];
  onChange: () => void = () => {};

  async swap(change: SessionChange): Promise<string | undefined> {
    this.swaps.push(change);
    await Promise.resolve();
    if (this.refusal !== undefined) return this.refusal;
    const { add = [], remove = [] } = change;
    this.have([...this.streams.map(({ id }) => id).filter((id) => !remove.includes(id)), ...add]);
    this.onChange();
    return undefined;
  }

  have(ids: readonly string[]): void {
    this.streams = ids.map((id) => ({ id, name: id, query: 'signed' }));
  }
}

function stateAt(search: string, session = new FakeSession()): PlayerState {
  wall = new FakeWall();
  address = `/${search}`;
  addresses = [];
  return new PlayerState({
    wall,
    session,
    search: () => new URL(address, 'http://x').search,
    remember: (next, how) => {
      address = next;
      addresses.push({ address: next, how });
    },
    nowMs: () => 0,
    soundMemory,
  });
}

let state = stateAt('');
/** After what was begun with promises. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

beforeEach(() => {
  soundMemory = { wasOn: false };
  state = stateAt('');
  state.knowStreams(STREAMS);
});

describe('which feeds are shown', () => {
  it('without a choice the first six, and the address stays as it is', () => {
    expect(wall.streamIds).toEqual('abcdef'.split(''));
    expect(addresses).toEqual([]);
  });

  it('a list that says the same again disturbs no pane', () => {
    state.knowStreams(STREAMS);
    expect(wall.showCount).toBe(1);
  });

  it('a seventh takes the place of the one with the focus, and the focus', () => {
    state.focus('c');
    state.putOn('g');
    expect(wall.streamIds).toEqual('abgdef'.split(''));
    expect(state.focusId.value).toBe('g');
  });

  it('taking the one with the focus off moves the focus to the first', () => {
    state.focus('b');
    state.takeOff('b');
    expect(wall.streamIds).toEqual('acdef'.split(''));
    expect(state.focusId.value).toBe('a');
  });

  it('a page of a layout shows its feeds, and turning it shows the next', () => {
    state.setLayout('4');
    expect(wall.streamIds).toEqual('abcd'.split(''));
    state.focus('d');
    state.focusStep(1);
    expect(wall.streamIds).toEqual(['e', 'f']);
    expect(state.emptyPlaceCount).toBe(2);
  });
});

describe('sound', () => {
  it('goes with the focus while it is on, over the pages too', () => {
    state.setLayout('1');
    state.hear('a');
    state.focusStep(1);
    expect([wall.streamIds, wall.audibleId]).toEqual([['b'], 'b']);
  });

  it('stays off while the focus moves', () => {
    state.focusStep(1);
    expect(wall.audibleId).toBeUndefined();
  });

  it('that was on before the page was loaded again is on again, and one that was switched off stays so', () => {
    state.hear('b');
    state = stateAt('?streams=a,b&focus=b');
    state.knowStreams(STREAMS);
    expect(wall.audibleId).toBe('b');
    state.toggleSound('b');
    state = stateAt('?streams=a,b&focus=b');
    state.knowStreams(STREAMS);
    expect(wall.audibleId).toBeUndefined();
  });

  it('of the heard feed is switched off, of another one switched over to', () => {
    state.toggleSound('b');
    expect(wall.audibleId).toBe('b');
    state.toggleSound('c');
    expect([wall.audibleId, state.focusId.value]).toEqual(['c', 'c']);
    state.toggleSound('c');
    expect(wall.audibleId).toBeUndefined();
  });
});

describe('the address', () => {
  it('remembers feeds and layout as steps that Back undoes, and the focus beside them', () => {
    state.focus('b');
    state.setLayout('focus');
    state.takeOff('f');
    expect(addresses).toEqual([
      { address: '/?streams=a,b,c,d,e,f&focus=b', how: 'replace' },
      { address: '/?streams=a,b,c,d,e,f&layout=focus&focus=b', how: 'push' },
      { address: '/?streams=a,b,c,d,e&layout=focus&focus=b', how: 'push' },
    ]);
    address = '/?streams=a,b,c,d,e,f&focus=b';
    state.addressChanged();
    expect([state.layout, wall.streamIds]).toEqual(['auto', 'abcdef'.split('')]);
  });

  it('of somebody else shows what they saw', () => {
    state = stateAt('?streams=h,b&layout=focus&focus=b');
    state.knowStreams(STREAMS);
    expect([wall.streamIds, state.layout, state.focusId.value]).toEqual([['h', 'b'], 'focus', 'b']);
  });
});

describe('enlarging', () => {
  it('gives a pane the large place, another one its turn, and the same again the grid from before', () => {
    state.setLayout('3');
    state.enlarge('b');
    expect([state.layout, state.focusId.value]).toEqual(['focus', 'b']);
    state.enlarge('e');
    expect([state.layout, state.focusId.value]).toEqual(['focus', 'e']);
    state.enlarge('e');
    expect(state.layout).toBe('3');
  });
});

describe('what the page says', () => {
  it('that the server does not answer, before anything else', () => {
    state.knowStreams(undefined);
    expect(state.note).toMatch(/does not answer/);
    state.knowStreams(STREAMS);
    expect(state.note).toBe('');
  });

  it("the session's problem, once there is one", () => {
    state.sessionChanged({ ...NO_SESSION, problem: 'The ticket has expired.' });
    expect(state.note).toBe('The ticket has expired.');
  });

  it('that there are no feeds, or that none is chosen', () => {
    state = stateAt('?streams=');
    expect(state.note).toMatch(/no feeds yet/);
    state.knowStreams(STREAMS);
    expect(state.note).toMatch(/Press Feeds/);
  });

  it('premium feeds of the session come first, and are shown when the address names none', () => {
    state.sessionChanged({ ...NO_SESSION, streams: [{ id: 'p', name: 'Premium', query: 'x' }] });
    state.knowStreams(STREAMS);
    expect(wall.streamIds).toEqual(['p']);
    expect(state.nameOf('p')).toBe('Premium');
  });
});

describe('captions', () => {
  it('come and go, and the page says so when they cannot be had', async () => {
    state.toggleCaptions();
    await settled();
    expect(wall.captionsShown).toBe(true);
    wall.captionsFail = true;
    state.toggleCaptions();
    await settled();
    expect(state.note).toMatch(/could not be loaded/);
  });
});

describe('premium feeds', () => {
  let session = new FakeSession();

  beforeEach(() => {
    session = new FakeSession();
    session.have(['p', 'q']);
    session.selectable = ['p', 'q', 'r'].map((id) => ({ id, name: id.toUpperCase() }));
    state = stateAt('?streams=p,q,a', session);
    session.onChange = () => state.sessionChanged(session);
    state.sessionChanged(session);
    state.knowStreams(STREAMS);
  });

  it('one that the session lacks is shown once a swap has brought it in, the others stay', async () => {
    state.putOn('r');
    expect(wall.streamIds).toEqual(['p', 'q', 'a']);
    await settled();
    expect(session.swaps).toEqual([{ add: ['r'], remove: [] }]);
    expect(wall.streamIds).toEqual(['p', 'q', 'a', 'r']);
    expect(state.nameOf('r')).toBe('R');
  });

  it('one in the place of another is one swap', async () => {
    state = stateAt('?streams=p,q,a,b,c,d&focus=q', session);
    session.onChange = () => state.sessionChanged(session);
    state.knowStreams(STREAMS);
    state.putOn('r');
    await settled();
    expect(session.swaps).toEqual([{ add: ['r'], remove: ['q'] }]);
    expect(wall.streamIds).toEqual(['p', 'r', 'a', 'b', 'c', 'd']);
  });

  it('a swap that is refused is said, and the wall stays as it was', async () => {
    session.refusal = 'You are watching as many feeds as you may.';
    state.putOn('r');
    await settled();
    expect(state.note).toBe(session.refusal);
    expect(wall.streamIds).toEqual(['p', 'q', 'a']);
    expect(address).toBe('/?streams=p,q,a');
  });

  it('one that is taken off gives its place back, but the last keeps the session alive', async () => {
    state.takeOff('p');
    await settled();
    expect(session.swaps).toEqual([{ remove: ['p'] }]);
    state.takeOff('q');
    await settled();
    expect(session.swaps).toHaveLength(1);
    expect(wall.streamIds).toEqual(['a']);
  });

  it('are not asked for while the session is refused, and are as soon as it is there', () => {
    state = stateAt('?streams=p,a', session);
    state.sessionChanged({ ...NO_SESSION, problem: 'All places are taken.' });
    state.knowStreams(STREAMS);
    expect(wall.streamIds).toEqual(['a']);
    state.sessionChanged(session);
    expect(wall.streamIds).toEqual(['p', 'a']);
  });

  it('what cannot be given back is not tried again and again', async () => {
    session.refusal = 'The server does not answer.';
    state.takeOff('p');
    await settled();
    state.knowStreams(STREAMS);
    await settled();
    expect(session.swaps).toHaveLength(1);
  });
});

describe('delivery', () => {
  it('is as the session says until the person chooses, and then for the session, too', async () => {
    const session = new FakeSession();
    session.have(['p']);
    session.delivery = 'balanced';
    state = stateAt('', session);
    state.sessionChanged(session);
    expect(wall.delivery).toBe('balanced');
    state.setDelivery('economy');
    expect(wall.delivery).toBe('economy');
    expect(session.swaps).toEqual([{ delivery: 'economy' }]);
    expect(address).toBe('/?streams=p&delivery=economy');
  });

  it('of the address comes first', () => {
    state = stateAt('?delivery=economy');
    state.knowStreams(STREAMS);
    expect(wall.delivery).toBe('economy');
  });
});
