/**
 * A sorted set with positions: `insert`, `delete`, `first` and `rank` in expected O(log n). It is
 * a treap (Seidel and Aragon, 1996): a search tree by value and a heap by random weight, with
 * subtree sizes.
 */
export class OrderStatisticTree<T> {
  readonly #compare: (a: T, b: T) => number;
  #root: TreeNode<T> | undefined;
  #seed = 0x9e3779b9;

  /**
   * `compare` must be a total order in which no two values of the tree are equal. The order of
   * values in the tree must not change.
   */
  constructor(compare: (a: T, b: T) => number) {
    this.#compare = compare;
  }

  get size(): number {
    return this.#root?.size ?? 0;
  }

  first(): T | undefined {
    let node = this.#root;
    while (node?.left !== undefined) node = node.left;
    return node?.value;
  }

  insert(value: T): void {
    this.#root = this.#insert(this.#root, value);
  }

  /** Returns whether the tree had `value`. */
  delete(value: T): boolean {
    const before = this.size;
    this.#root = this.#delete(this.#root, value);
    return this.size < before;
  }

  /** The number of values before `value`, which need not be in the tree. */
  rank(value: T): number {
    let rank = 0;
    let node = this.#root;
    while (node !== undefined) {
      const order = this.#compare(value, node.value);
      if (order <= 0) {
        if (order === 0) return rank + sizeOf(node.left);
        node = node.left;
      } else {
        rank += sizeOf(node.left) + 1;
        node = node.right;
      }
    }
    return rank;
  }

  /** In order. The tree must not change during the iteration. */
  *[Symbol.iterator](): Generator<T, void> {
    const path: TreeNode<T>[] = [];
    let node = this.#root;
    while (node !== undefined || path.length > 0) {
      while (node !== undefined) {
        path.push(node);
        node = node.left;
      }
      node = path.pop();
      if (node === undefined) return;
      yield node.value;
      node = node.right;
    }
  }

  #insert(node: TreeNode<T> | undefined, value: T): TreeNode<T> {
    if (node === undefined) return { value, weight: this.#weight(), size: 1, left: undefined, right: undefined };
    if (this.#compare(value, node.value) < 0) {
      node.left = this.#insert(node.left, value);
      return node.left.weight < node.weight ? rotateRight(node, node.left) : resize(node);
    }
    node.right = this.#insert(node.right, value);
    return node.right.weight < node.weight ? rotateLeft(node, node.right) : resize(node);
  }

  #delete(node: TreeNode<T> | undefined, value: T): TreeNode<T> | undefined {
    if (node === undefined) return undefined;
    const order = this.#compare(value, node.value);
    if (order === 0) return merge(node.left, node.right);
    if (order < 0) node.left = this.#delete(node.left, value);
    else node.right = this.#delete(node.right, value);
    return resize(node);
  }

  /** Xorshift32: weights must be independent of the values, not unpredictable. */
  #weight(): number {
    let seed = this.#seed;
    seed ^= seed << 13;
    seed ^= seed >>> 17;
    seed ^= seed << 5;
    this.#seed = seed;
    return seed >>> 0;
  }
}

interface TreeNode<T> {
  readonly value: T;
  readonly weight: number;
  size: number;
  left: TreeNode<T> | undefined;
  right: TreeNode<T> | undefined;
}

function sizeOf<T>(node: TreeNode<T> | undefined): number {
  return node?.size ?? 0;
}

function resize<T>(node: TreeNode<T>): TreeNode<T> {
  node.size = sizeOf(node.left) + sizeOf(node.right) + 1;
  return node;
}

function rotateRight<T>(node: TreeNode<T>, left: TreeNode<T>): TreeNode<T> {
  node.left = left.right;
  left.right = resize(node);
  return resize(left);
}

function rotateLeft<T>(node: TreeNode<T>, right: TreeNode<T>): TreeNode<T> {
  node.right = right.left;
  right.left = resize(node);
  return resize(right);
}

/** Joins two trees; every value of `left` comes before every value of `right`. */
function merge<T>(left: TreeNode<T> | undefined, right: TreeNode<T> | undefined): TreeNode<T> | undefined {
  if (left === undefined) return right;
  if (right === undefined) return left;
  if (left.weight < right.weight) {
    left.right = merge(left.right, right);
    return resize(left);
  }
  right.left = merge(left, right.left);
  return resize(right);
}
