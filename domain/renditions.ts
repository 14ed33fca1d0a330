/**
 * What is stored and announced are two tracks, one file each. What viewers may ask for are three renditions:
 * the third, `av`, is the video part followed by the audio part, joined by the origin and stored nowhere.
 */
export const TRACKS = ['video', 'audio'] as const;
export type Track = (typeof TRACKS)[number];

export const RENDITIONS = ['video', 'audio', 'av'] as const;
export type Rendition = (typeof RENDITIONS)[number];

/** CMAF track ids, fixed so that an init segment with both can be made by joining. */
export const TRACK_ID: Readonly<Record<Track, number>> = { video: 1, audio: 2 };
