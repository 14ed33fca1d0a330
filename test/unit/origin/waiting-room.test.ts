import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Held, NO_PLACE, WaitingRoom } from '../../../origin/waiting-room.ts';

class Waiting implements Held {
  place = NO_PLACE;
  triedCount = 0;
  isExpired = false;
  next: WaitingRoom | undefined;
  readonly deadlineMs: number;

  constructor(deadlineMs = 0) {
    this.deadlineMs = deadlineMs;
  }

  attempt(): WaitingRoom | undefined {
    this.triedCount += 1;
    return this.next;
  }

  expire(): void {
    this.isExpired = true;
  }
}

describe('a waiting room', () => {
  it('lets everyone try once when it wakes, and keeps those who must wait on', () => {
    const [room, other] = [new WaitingRoom(), new WaitingRoom()];
    const [answered, waitsOn, moves] = [new Waiting(), new Waiting(), new Waiting()];
    waitsOn.next = room;
    moves.next = other;
    for (const held of [answered, waitsOn, moves]) room.add(held);
    room.wake();
    expect([answered, waitsOn, moves].map(({ triedCount }) => triedCount)).toEqual([1, 1, 1]);
    expect([room.size, other.size]).toEqual([1, 1]);
    room.wake();
    expect([answered, waitsOn, moves].map(({ triedCount }) => triedCount)).toEqual([1, 2, 1]);
  });

  it('lets go only of who is late', () => {
    const room = new WaitingRoom();
    const held = [5, 1, 4, 2, 3].map((deadlineMs) => new Waiting(deadlineMs));
    for (const each of held) room.add(each);
    room.expireUntil(3);
    expect(held.map(({ isExpired }) => isExpired)).toEqual([false, true, false, true, true]);
    expect(room.size).toBe(2);
  });

  it('holds exactly those who came and have not gone, whoever goes first, and goes twice', () => {
    const count = 8;
    const steps = fc.array(fc.record({ comes: fc.boolean(), who: fc.nat({ max: count - 1 }) }));
    fc.assert(
      fc.property(steps, (taken) => {
        const [room, other] = [new WaitingRoom(), new WaitingRoom()];
        const all = Array.from({ length: count }, () => new Waiting());
        const present = new Set<Waiting>();
        for (const { comes, who } of taken) {
          const held = all[who];
          if (!held) continue;
          // Who waits in this room is none of the other's business.
          other.delete(held);
          if (!comes) {
            room.delete(held);
            present.delete(held);
          } else if (!present.has(held)) {
            room.add(held);
            present.add(held);
          }
        }
        expect(room.size).toBe(present.size);
        room.wake();
        expect(all.filter(({ triedCount }) => triedCount === 1)).toEqual(
          all.filter((held) => present.has(held)),
        );
      }),
    );
  });
});
