import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { describe, it } from 'node:test';
import { ClockGuard, type ClockGuardOptions, type TimeSource, sntpSource } from './index.ts';

const START = Date.UTC(2026, 0, 15);
const SECOND = 1000;

class Hands {
  wallAt = START;
  runningAt = 0;
  readonly wall = (): number => this.wallAt;
  readonly running = (): number => this.runningAt;
  pass(milliseconds: number): void {
    this.wallAt += milliseconds;
    this.runningAt += milliseconds;
  }
}

const guardOf = (hands: Hands, more: Partial<ClockGuardOptions> = {}): ClockGuard =>
  new ClockGuard({ readings: hands, toleranceMs: SECOND, quorum: 0, sources: [], freshMs: 60 * SECOND, notBefore: 0, ...more });
const refused = { code: 'ERR_CLOCK_REFUSED' };
const signal = new AbortController().signal;

describe('the clock of the timestamp authority', () => {
  it('goes as the counter goes', () => {
    const hands = new Hands();
    const guard = guardOf(hands);
    hands.pass(3_600 * SECOND);
    assert.equal(guard.now(), START + 3_600 * SECOND);
  });

  for (const jump of [-2 * SECOND, 2 * SECOND, -365 * 24 * 3_600 * SECOND, 365 * 24 * 3_600 * SECOND]) {
    it(`refuses after a jump of ${jump / SECOND} s, until it is set back`, () => {
      const hands = new Hands();
      const guard = guardOf(hands);
      assert.equal(guard.now(), START);
      hands.wallAt += jump;
      assert.throws(() => guard.now(), refused);
      hands.pass(30 * SECOND);
      assert.throws(() => guard.now(), refused);
      assert.match(guard.state().refuses ?? '', /jumped/);
      hands.wallAt -= jump;
      assert.equal(guard.now(), START + 30 * SECOND);
    });
  }

  it('may be slewed: a little in each while, a lot in all', () => {
    const hands = new Hands();
    const guard = guardOf(hands);
    for (let i = 0; i < 1_000; i++) {
      hands.pass(11 * SECOND);
      hands.wallAt += 5;
      guard.now();
    }
  });

  it('is refused when it stands before what an earlier process dated', () => {
    assert.throws(() => guardOf(new Hands(), { notBefore: START + 2 * SECOND }).now(), refused);
    assert.equal(guardOf(new Hands(), { notBefore: START }).now(), START);
  });

  it('must agree with a quorum of its sources, and lately', async () => {
    const hands = new Hands();
    const ahead = { a: 0, b: 0, c: 0 };
    const source = (name: keyof typeof ahead): TimeSource => ({ name, ask: async () => ({ aheadMs: ahead[name], withinMs: 10 }) });
    const dead: TimeSource = { name: 'dead', ask: () => Promise.reject(new Error('no answer')) };
    const guard = guardOf(hands, { quorum: 2, sources: [source('a'), source('b'), source('c'), dead] });
    assert.throws(() => guard.now(), refused);
    await guard.compare(signal);
    assert.equal(guard.now(), START);
    assert.equal(guard.state().sources.find(({ name }) => name === 'dead')?.problem, 'no answer');
    ahead.a = ahead.b = 5 * SECOND;
    await guard.compare(signal);
    assert.throws(() => guard.now(), /fewer than 2 sources/);
    ahead.b = 0;
    await guard.compare(signal);
    assert.equal(guard.now(), START);
    hands.pass(61 * SECOND);
    assert.throws(() => guard.now(), /were asked 61 s ago/);
  });

  it('may be corrected while it runs, when the sources say that it stands right now', async () => {
    const hands = new Hands();
    const guard = guardOf(hands, { quorum: 1, sources: [{ name: 'a', ask: async () => ({ aheadMs: 0, withinMs: 0 }) }] });
    await guard.compare(signal);
    hands.wallAt += 30 * SECOND;
    assert.throws(() => guard.now(), /jumped/);
    await guard.compare(signal);
    assert.equal(guard.now(), START + 30 * SECOND);
  });
});

describe('an SNTP source', () => {
  const answerWith = async (shape: (packet: Buffer) => Buffer): Promise<{ port: number; close: () => void }> => {
    const socket = createSocket('udp4');
    socket.on('message', (packet, { port, address }) => socket.send(shape(packet), port, address));
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
    return { port: socket.address().port, close: () => socket.close() };
  };
  const at = (packet: Buffer, milliseconds: number): Buffer => {
    const answer = Buffer.alloc(48);
    answer[0] = 0x24;
    answer[1] = 2;
    packet.copy(answer, 24, 40, 48);
    for (const place of [32, 40]) answer.writeUInt32BE(milliseconds / 1000 + 2_208_988_800, place);
    return answer;
  };

  it('says by how much it is ahead', async () => {
    const server = await answerWith((packet) => at(packet, START + 7_000));
    const { aheadMs } = await sntpSource('127.0.0.1', server.port, () => START).ask(signal);
    assert.equal(aheadMs, 7_000);
    server.close();
  });

  it('that has no time, or answers something else, is not believed', async () => {
    const unsynchronised = await answerWith((packet) => Object.assign(at(packet, START), { 0: 0xe4 }));
    await assert.rejects(sntpSource('127.0.0.1', unsynchronised.port, () => START).ask(signal), /has no time to give/);
    unsynchronised.close();
    const stop = new AbortController();
    const stranger = await answerWith((packet) => (setImmediate(() => stop.abort()), at(Buffer.alloc(48, packet[47]), START)));
    await assert.rejects(sntpSource('127.0.0.1', stranger.port, () => START).ask(stop.signal), { code: 'ERR_INTERRUPTED' });
    stranger.close();
  });
});
