import { describe, expect, it } from 'vitest';
import { KEY_HELP, type KeyPress, keyAction } from '../../../../player/ui/keys.ts';

const press = (key: string, more: Partial<KeyPress> = {}) =>
  keyAction({ key, shiftKey: false, modified: false, inControl: false, characters: true, ...more });

describe('keys', () => {
  it.each([
    ['1', { kind: 'hear', index: 0 }],
    ['6', { kind: 'hear', index: 5 }],
    ['ArrowRight', { kind: 'focus-step', step: 1 }],
    ['ArrowUp', { kind: 'focus-vertical', direction: 'up' }],
    ['Enter', { kind: 'enlarge' }],
    ['L', { kind: 'cycle-layout' }],
    ['m', { kind: 'mute' }],
    ['f', { kind: 'fullscreen' }],
    ['P', { kind: 'picture-in-picture' }],
    ['s', { kind: 'statistics' }],
    ['a', { kind: 'feeds' }],
    ['?', { kind: 'help' }],
  ])('%s', (key, action) => {
    expect(press(key)).toEqual(action);
  });

  it('with Shift the arrows move the pane itself', () => {
    expect(press('ArrowLeft', { shiftKey: true })).toEqual({ kind: 'move', step: -1 });
  });

  it('others, and all that belong to the browser, mean nothing', () => {
    expect(press('7')).toBeUndefined();
    expect(press('Tab')).toBeUndefined();
    expect(press('f', { modified: true })).toBeUndefined();
  });

  it('letters and numbers can be switched off, the arrows and Enter stay', () => {
    for (const key of ['s', '1', '?']) expect(press(key, { characters: false })).toBeUndefined();
    expect(press('Enter', { characters: false })).toEqual({ kind: 'enlarge' });
    expect(press('ArrowLeft', { characters: false })).toEqual({ kind: 'focus-step', step: -1 });
  });

  it('a button keeps Enter and the arrows for itself, and lets the letters through', () => {
    expect(press('Enter', { inControl: true })).toBeUndefined();
    expect(press('ArrowLeft', { inControl: true })).toBeUndefined();
    expect(press('s', { inControl: true })).toEqual({ kind: 'statistics' });
  });

  it('the help lists each letter that does something, and no other', () => {
    const listed = KEY_HELP.flatMap(({ keys }) => keys).filter((key) => /^[A-Z?]$/.test(key));
    const working = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ?'.split('').filter((key) => press(key) !== undefined);
    expect(listed.sort()).toEqual(working.sort());
  });
});
