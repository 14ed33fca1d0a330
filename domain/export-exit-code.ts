/** How an export ends; AWS Batch decides by it whether to try again. */
export const EXPORT_EXIT_CODE = {
  done: 0,
  /** The same again would end the same. */
  hopeless: 1,
  /** sysexits.h, EX_TEMPFAIL. */
  tryAgain: 75,
} as const;
