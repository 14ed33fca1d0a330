/** The fields of one way in which a feed arrives. */
import { CONTROL_LIMITS } from '../../domain/control/limits.ts';
import { SEED_LIMITS } from '../../domain/profile.ts';
import { TextField } from './form-fields.tsx';

/** SRT: `srtCommon` of domain/stream.ts. */
const LATENCY_MIN_MS = 20;
const LATENCY_MAX_MS = 8_000;

export function IngestFields({ protocol }: { readonly protocol: string }) {
  if (protocol === 'rtp-mpegts') return <AllowedSources />;
  if (protocol === 'rtp-sdp')
    return (
      <>
        <TextField
          name="sdp"
          label="SDP"
          help="HEVC, H.264, AAC or Opus. The ports in it are replaced by those of the slot."
          required
          rowCount={6}
          maxLength={CONTROL_LIMITS.sdpCharCountMax}
        />
        <AllowedSources />
      </>
    );
  return (
    <>
      {protocol === 'srt-caller' && <CalledEncoder />}
      <div class="columns">
        <TextField
          name="latencyMs"
          label="SRT latency, ms"
          help={`${LATENCY_MIN_MS} to ${LATENCY_MAX_MS}. At least three round trips; more repairs more.`}
          type="number"
          min={LATENCY_MIN_MS}
          max={LATENCY_MAX_MS}
          defaultValue={String(SEED_LIMITS.srtLatencyMs)}
        />
        <TextField
          name="srtStreamId"
          label="SRT stream ID"
          help={
            protocol === 'srt-caller'
              ? 'Sent to the encoder, if it asks for one.'
              : 'Only an encoder that sends it is let in. May be empty.'
          }
          maxLength={CONTROL_LIMITS.srtStreamIdCharCountMax}
        />
      </div>
      {protocol === 'srt-listener' && (
        <p class="help">The passphrase is made at each start; "Connect" shows it.</p>
      )}
    </>
  );
}

function CalledEncoder() {
  return (
    <div class="columns">
      <TextField
        name="host"
        label="Host of the encoder"
        help="A name or an address that mirror can reach."
        required
        maxLength={253}
        pattern="[A-Za-z0-9:._\-]+"
      />
      <TextField name="port" label="Port" help="1 to 65535." type="number" required min={1} max={65_535} />
      <TextField
        name="passphrase"
        label="Passphrase"
        help="10 to 79 characters; empty if the encoder has none. It is not shown again."
        type="password"
        minLength={10}
        maxLength={79}
      />
    </div>
  );
}

function AllowedSources() {
  return (
    <TextField
      name="allowedSources"
      label="Allowed sources"
      help={`Addresses whose packets are taken, up to ${CONTROL_LIMITS.allowedSourceCountMax}, one a line. Empty: anybody's, since RTP knows no password.`}
      rowCount={2}
    />
  );
}
