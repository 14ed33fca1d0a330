/** What is used and what it costs, at a glance; the sums behind it on demand. */
import { useState } from 'preact/hooks';
import type { CapacityView } from '../../domain/control/operations-api.ts';
import { Dialog } from '../ui/dialog.tsx';
import { useConsole } from './state-context.ts';
import { usdInWords } from './words.ts';

export function CapacityStrip() {
  const capacity = useConsole().capacity.value;
  const [isOpen, setOpen] = useState(false);
  if (!capacity) return <div class="capacity" />;
  const { slots, viewers, cost } = capacity;
  const host = hostInWords(capacity);
  return (
    <div class="capacity">
      <dl>
        <Meter
          name="Slots"
          text={`${slots.usedCount} of ${slots.count}`}
          share={slots.usedCount / slots.count}
        />
        <Meter name={host.name} text={host.text} share={host.share} />
        <Meter
          name="Viewers"
          text={`${viewers.viewerCount} of ${viewers.viewerCountMax.toLocaleString('en')}`}
          share={viewers.viewerCount / viewers.viewerCountMax}
        />
      </dl>
      <button type="button" class="cost" aria-haspopup="dialog" onClick={() => setOpen(true)}>
        {cost.isPaid ? '' : 'On AWS: '}
        {usdInWords(cost.usdPerHour)} an hour
      </button>
      {isOpen && <CostDialog capacity={capacity} onClose={() => setOpen(false)} />}
    </div>
  );
}

/** Above this share of what there is, the number is shown as a warning. */
const CROWDED_SHARE = 0.9;

function Meter({
  name,
  text,
  share,
}: {
  readonly name: string;
  readonly text: string;
  readonly share: number;
}) {
  return (
    <div class={share >= CROWDED_SHARE ? 'crowded' : ''}>
      <dt>{name}</dt>
      <dd>{text}</dd>
    </div>
  );
}

function hostInWords({ hosts, runners }: CapacityView): { name: string; text: string; share: number } {
  if (hosts.kind === 'machine') {
    const onGpu = runners.onGpuCount > 0 ? `, ${runners.onGpuCount} feeds on the GPU` : '';
    const percent = Math.round(hosts.loadShare * 100);
    return { name: 'CPU', text: `${percent}% of ${hosts.cpuCount}${onGpu}`, share: hosts.loadShare };
  }
  const { hostCount, hostCountMax } = hosts;
  return { name: 'GPU hosts', text: `${hostCount} of ${hostCountMax}`, share: hostCount / hostCountMax };
}

function CostDialog({
  capacity,
  onClose,
}: {
  readonly capacity: CapacityView;
  readonly onClose: () => void;
}) {
  const { cost, hosts, runners } = capacity;
  return (
    <Dialog
      name="cost-dialog"
      title={cost.isPaid ? 'What this hour costs' : 'What this hour would cost on AWS'}
      onClose={onClose}
    >
      <table class="sums">
        <thead>
          <tr>
            <th scope="col">Service</th>
            <th scope="col">How much of it</th>
            <th scope="col" class="number">
              an hour
            </th>
          </tr>
        </thead>
        <tbody>
          {cost.lines.map(({ service, usdPerHour, how }) => (
            <tr key={service}>
              <th scope="row">{service}</th>
              <td>{how}</td>
              <td class="number">{usdInWords(usdPerHour)}</td>
            </tr>
          ))}
        </tbody>
        <tfoot>
          <tr>
            <th scope="row" colSpan={2}>
              In all
            </th>
            <td class="number">{usdInWords(cost.usdPerHour)}</td>
          </tr>
        </tfoot>
      </table>
      <h3>What that assumes</h3>
      <ul class="assumptions">
        {cost.assumptions.map((text) => (
          <li key={text}>{text}</li>
        ))}
        {hosts.kind === 'gpu-hosts' && (
          <li>
            GPU hosts are reckoned, not counted: {hosts.feedsPerHost} feeds to each {hosts.instanceType}, and
            those that wait. {runners.onGpuCount} runners report a GPU, {runners.onCpuCount} a CPU.
          </li>
        )}
      </ul>
    </Dialog>
  );
}
