/** Name of the meta element in which a page says where media comes from: scheme and host. */
export const MEDIA_ORIGIN_NAME = 'mirror-media-origin';
