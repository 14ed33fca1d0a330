/**
 * The EventBridge events of ECS that concern runners (Amazon ECS Developer Guide, "Amazon ECS task state
 * change events" and "service action events"). Fields that are not read are not checked.
 */
import * as z from 'zod';

const taskDetailSchema = z.object({
  group: z.string().optional(),
  lastStatus: z.string(),
  desiredStatus: z.string(),
  stopCode: z.string().optional(),
  stoppedReason: z.string().optional(),
  containers: z
    .array(z.object({ name: z.string(), exitCode: z.int().optional(), reason: z.string().optional() }))
    .default([]),
});

export const ecsEventSchema = z.discriminatedUnion('detail-type', [
  z.object({
    'detail-type': z.literal('ECS Task State Change'),
    time: z.iso.datetime(),
    detail: taskDetailSchema,
  }),
  z.object({
    'detail-type': z.literal('ECS Service Action'),
    time: z.iso.datetime(),
    resources: z.array(z.string()),
    detail: z.object({ eventName: z.string(), reason: z.string().optional() }),
  }),
  z.object({
    'detail-type': z.literal('ECS Deployment State Change'),
    time: z.iso.datetime(),
    resources: z.array(z.string()),
    detail: z.object({ eventName: z.string(), reason: z.string().optional() }),
  }),
]);
export type EcsEvent = z.output<typeof ecsEventSchema>;

/** Name of the service that an event is about. */
export function serviceNameOfEvent(event: EcsEvent): string | undefined {
  if (event['detail-type'] === 'ECS Task State Change') {
    const { group } = event.detail;
    return group?.startsWith('service:') ? group.slice('service:'.length) : undefined;
  }
  return event.resources[0]?.split('/').at(-1);
}
