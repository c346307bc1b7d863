/** Groups items by the parent that they name. */

interface Child {
  id: string;
  parent?: string;
}

/** Returns the children of each item by its ID, in order; those whose parent is not among the items are under `undefined`. */
export function childrenByParent<T extends Child>(items: readonly T[]): Map<string | undefined, T[]> {
  const ids = new Set(items.map(({ id }) => id));
  const children = new Map<string | undefined, T[]>();
  for (const item of items) {
    const parent = item.parent !== undefined && ids.has(item.parent) ? item.parent : undefined;
    const siblings = children.get(parent);
    if (siblings) siblings.push(item);
    else children.set(parent, [item]);
  }
  return children;
}
