import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CallAddressRules, parseAddress } from '../../../domain/control/call-address.ts';
import { fixture } from './fixture.ts';

const rules = new CallAddressRules({ allowedRanges: [] });
const caller = (host: string) => ({ name: 'Call', ingest: { protocol: 'srt-caller', host, port: 9000 } });

describe('addresses that an SRT caller is sent to', () => {
  it.each([
    '127.0.0.1',
    '127.255.0.9',
    '10.1.2.3',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '169.254.169.254',
    '169.254.170.2',
    '100.64.0.1',
    '0.0.0.0',
    '224.0.0.1',
    '255.255.255.255',
    '198.18.0.1',
    '192.0.2.1',
    '::1',
    '::',
    'fe80::1',
    'fd00:ec2::254',
    'fc00::1',
    'ff02::1',
    '2001:db8::1',
    '::ffff:127.0.0.1',
    '::ffff:a9fe:a9fe',
    '::ffff:10.0.0.1',
    '64:ff9b::169.254.169.254',
    '2002:a9fe:a9fe::1',
    '::7f00:1',
    '0:0:0:0:0:ffff:c0a8:101',
    'FE80::1',
    '64:ff9b:1::1',
  ])('%s is refused', (address) => {
    expect(rules.refusalOf(address)).toBeDefined();
  });

  it.each([
    '203.0.114.7',
    '8.8.8.8',
    '172.32.0.1',
    '100.128.0.1',
    '2a00:1450::1',
    '::ffff:8.8.8.8',
    '64:ff9b::808:808',
  ])('%s may be called', (address) => {
    expect(rules.refusalOf(address)).toBeUndefined();
  });

  it.each([
    '127.1',
    '2130706433',
    '0x7f.0.0.1',
    '0177.0.0.1',
    '127.0.0.1.',
    '1.2.3',
    '::ffff:1.2.3',
    'fe80::1%eth0',
    '[::1]',
    '1:2:3:4:5:6:7:8:9',
    ':::',
    '12345::',
    '256.1.1.1',
    '01.2.3.4',
  ])('%s is no address', (text) => {
    expect(parseAddress(text)).toBeUndefined();
  });

  it('no form of a private IPv4 address inside an IPv6 one gets through', () => {
    const octet = fc.integer({ min: 0, max: 255 });
    fc.assert(
      fc.property(octet, octet, octet, fc.constantFrom(10, 127), (b, c, d, a) => {
        const hex = `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
        for (const prefix of ['::ffff:', '64:ff9b::', '::ffff:0:', '0:0:0:0:0:ffff:']) {
          expect(rules.refusalOf(`${prefix}${hex}`)).toBeDefined();
          expect(rules.refusalOf(`${prefix}${a}.${b}.${c}.${d}`)).toBeDefined();
        }
        expect(rules.refusalOf(`2002:${hex}::1`)).toBeDefined();
      }),
    );
  });

  it('what the configuration allows may be called, in every form', () => {
    const local = new CallAddressRules({ allowedRanges: ['127.0.0.0/8', '::1/128'] });
    for (const address of ['127.0.0.1', '::1', '::ffff:127.0.0.1'])
      expect(local.refusalOf(address)).toBeUndefined();
    expect(local.refusalOf('10.0.0.1')).toBeDefined();
    expect(() => new CallAddressRules({ allowedRanges: ['localhost'] })).toThrow('CIDR');
  });

  it('a name is refused when any of its addresses is, and when it is half an address', async () => {
    const plane = await fixture({ resolveHost: async () => ['203.0.114.7', '10.0.0.1'] });
    const named = await plane.call('POST', '/v1/streams', caller('feed.example'));
    expect(named).toMatchObject({ status: 422, body: { code: 'CONTROL_ADDRESS_REFUSED' } });
    for (const host of ['127.1', '2130706433', '0x7f000001', 'a.b.0x1', '::1'])
      expect((await plane.call('POST', '/v1/streams', caller(host))).body.code).toBe(
        'CONTROL_ADDRESS_REFUSED',
      );
  });

  it('a name that changes between create and start is refused at start, and the runner gets the address', async () => {
    let addresses = ['203.0.114.7'];
    const plane = await fixture({ resolveHost: async () => addresses });
    await plane.call('POST', '/v1/streams', { id: 'call', ...caller('feed.example') });
    await plane.call('POST', '/v1/streams/call/start');
    expect(plane.launcher.launches[0]?.spec.ingest).toMatchObject({
      protocol: 'srt-caller',
      host: '203.0.114.7',
    });
    await plane.call('POST', '/v1/streams/call/stop');
    addresses = ['169.254.169.254'];
    const refused = await plane.call('POST', '/v1/streams/call/start');
    expect(refused.body.code).toBe('CONTROL_ADDRESS_REFUSED');
    expect((await plane.call('GET', '/v1/streams/call')).body.state).toBe('stopped');
    expect(await plane.registry.listSlots()).toEqual([]);
  });
});
