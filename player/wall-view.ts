/** Draws the wall: one view for each pane, in a grid that shows most of them. */
import { element } from './dom.ts';
import { bestGrid } from './layout.ts';
import { PaneView } from './pane-view.ts';
import type { Wall } from './wall.ts';

/** As in style.css. */
const GAP_PX = 8;
const CAPTION_PX = 30;

export class WallView {
  readonly root = element('main', { class: 'grid' });
  readonly #views = new Map<string, PaneView>();

  start(wall: Wall): void {
    new ResizeObserver(() => this.#layOut(wall)).observe(this.root);
  }

  update(wall: Wall): void {
    if (wall.streamIds.join() !== [...this.#views.keys()].join()) this.#show(wall);
    for (const pane of wall.panes) {
      const { streamId } = pane;
      this.#views.get(streamId)?.update(pane, wall.streamOf(streamId), wall.soundOf(streamId));
    }
  }

  #show(wall: Wall): void {
    const kept = new Map(this.#views);
    this.#views.clear();
    wall.panes.forEach((pane, index) => {
      const { streamId } = pane;
      const earlier = kept.get(streamId);
      const view =
        earlier?.video === pane.media
          ? earlier
          : new PaneView({
              pane,
              keyHint: String(index + 1),
              onSelect: () => wall.toggleSound(streamId),
            });
      if (view === earlier) kept.delete(streamId);
      this.#views.set(streamId, view);
    });
    for (const view of kept.values()) view.root.remove();
    this.root.append(...[...this.#views.values()].map((view) => view.root));
    this.#layOut(wall);
  }

  /** The panes get the size of their pictures, so that nothing but gaps lies between them. */
  #layOut(wall: Wall): void {
    const { clientWidth: widthPx, clientHeight: heightPx } = this.root;
    const room = { widthPx, heightPx, gapPx: GAP_PX, captionPx: CAPTION_PX };
    const grid = bestGrid(wall.panes.length, room);
    this.root.style.setProperty('--columns', String(grid.columnCount));
    this.root.style.setProperty('--pane-width', `${Math.floor(grid.pictureWidthPx)}px`);
  }
}
