//! [`Lists`]: which partials wait at which side, found by hash.
//!
//! Invariants:
//! * A node is one partial waiting at one side; a partial has at most one node per side, linked
//!   through `sibling` from its head.
//! * Nodes of equal side and hash form a chain in the order in which the partials began to wait. The
//!   hash is of the partition key and the values of the side's equality keys, so that an event visits
//!   only partials it may fit; different keys may share a chain by accident, and the visitor checks.
//! * A node has a bar that an event must reach to fit its partial. The lowest bar of a chain is known, or
//!   one below it, so that most events that fit nothing don't enter the chain.
//! * A chain without nodes doesn't exist.

use hashbrown::HashTable;

use super::partial::{NONE, PartialId, Partials};

/// A node in the slab.
pub(super) type NodeId = u32;

/// A partial that waits at a side.
#[derive(Debug, Clone, Copy, serde::Serialize, serde::Deserialize)]
pub(super) struct Node {
    partial: PartialId,
    side: u32,
    hash: u64,
    bar: f64,
    prev: NodeId,
    next: NodeId,
    sibling: NodeId,
}

#[derive(Debug, Clone, Copy)]
struct Chain {
    hash: u64,
    head: NodeId,
    tail: NodeId,
    /// No node's bar is below this.
    lowest: f64,
}

/// Which partials wait at which side.
#[derive(Debug, Default)]
pub(super) struct Lists {
    nodes: Vec<Node>,
    free: Vec<NodeId>,
    chains: Vec<HashTable<Chain>>,
}

impl Lists {
    pub fn new(sides: usize) -> Self {
        Self { chains: (0..sides).map(|_| HashTable::new()).collect(), ..Self::default() }
    }

    /// The first node of a chain, or [`NONE`] if there is none whose bar an event that reaches so high
    /// reaches.
    #[inline]
    pub fn first(&self, side: usize, hash: u64, reach: f64) -> NodeId {
        match self.chains[side].find(hash, |c| c.hash == hash) {
            Some(c) if reach >= c.lowest => c.head,
            _ => NONE,
        }
    }

    /// Notes the lowest bar of a chain, of which some nodes are gone.
    pub fn set_lowest(&mut self, side: usize, hash: u64, lowest: f64) {
        if let Some(c) = self.chains[side].find_mut(hash, |c| c.hash == hash) {
            c.lowest = lowest;
        }
    }

    /// The node behind, or [`NONE`].
    #[inline]
    pub fn next(&self, node: NodeId) -> NodeId {
        self.nodes[node as usize].next
    }

    /// Who waits.
    #[inline]
    pub fn partial(&self, node: NodeId) -> PartialId {
        self.nodes[node as usize].partial
    }

    /// The bar of a node.
    #[inline]
    pub fn bar(&self, node: NodeId) -> f64 {
        self.nodes[node as usize].bar
    }

    /// Lets `p` wait at `side`, behind all others.
    pub fn push(
        &mut self,
        partials: &mut Partials,
        p: PartialId,
        side: usize,
        (hash, bar): (u64, f64),
    ) {
        let links = partials.links_mut(p);
        let (side_id, sibling) = (side as u32, *links);
        let node = Node { partial: p, side: side_id, hash, bar, prev: NONE, next: NONE, sibling };
        let id = match self.free.pop() {
            Some(id) => {
                self.nodes[id as usize] = node;
                id
            }
            None => {
                self.nodes.push(node);
                (self.nodes.len() - 1) as NodeId
            }
        };
        *links = id;
        match self.chains[side].find_mut(hash, |c| c.hash == hash) {
            Some(chain) => {
                self.nodes[chain.tail as usize].next = id;
                self.nodes[id as usize].prev = chain.tail;
                chain.tail = id;
                chain.lowest = chain.lowest.min(bar);
            }
            None => {
                let chain = Chain { hash, head: id, tail: id, lowest: bar.min(f64::INFINITY) };
                self.chains[side].insert_unique(hash, chain, |c| c.hash);
            }
        }
    }

    /// Ends the waiting of `p` at every side for which `which` holds.
    pub fn remove(&mut self, partials: &mut Partials, p: PartialId, which: impl Fn(usize) -> bool) {
        let mut kept = NONE;
        let mut node = partials.links(p);
        while node != NONE {
            let sibling = self.nodes[node as usize].sibling;
            if which(self.nodes[node as usize].side as usize) {
                self.unlink(node);
            } else {
                // Turns the order of siblings around; it means nothing.
                self.nodes[node as usize].sibling = kept;
                kept = node;
            }
            node = sibling;
        }
        *partials.links_mut(p) = kept;
    }

    fn unlink(&mut self, id: NodeId) {
        let Node { side, hash, prev, next, .. } = self.nodes[id as usize];
        if prev != NONE {
            self.nodes[prev as usize].next = next;
        }
        if next != NONE {
            self.nodes[next as usize].prev = prev;
        }
        if prev == NONE || next == NONE {
            let chains = &mut self.chains[side as usize];
            if let Ok(mut entry) = chains.find_entry(hash, |c| c.hash == hash) {
                match (prev, next) {
                    (NONE, NONE) => {
                        entry.remove();
                    }
                    (NONE, _) => entry.get_mut().head = next,
                    _ => entry.get_mut().tail = prev,
                }
            }
        }
        self.free.push(id);
    }

    /// The state: chains follow from the nodes.
    pub fn save(&self) -> impl serde::Serialize + '_ {
        (&self.nodes, &self.free)
    }

    /// The lists of a saved state; none if they don't fit.
    pub fn load(
        sides: usize,
        (nodes, free): (Vec<Node>, Vec<NodeId>),
        partials: usize,
    ) -> Option<Self> {
        let fits = |id: NodeId| id == NONE || (id as usize) < nodes.len();
        let sound = nodes.iter().all(|n| {
            (n.side as usize) < sides
                && (n.partial as usize) < partials
                && fits(n.prev)
                && fits(n.next)
                && fits(n.sibling)
        });
        if !sound || !free.iter().all(|f| (*f as usize) < nodes.len()) {
            return None;
        }
        let mut live = vec![true; nodes.len()];
        free.iter().for_each(|f| live[*f as usize] = false);
        let mut lists = Self { nodes, free, ..Self::new(sides) };
        for id in (0..lists.nodes.len()).filter(|i| live[*i]) {
            let Node { side, hash, prev, .. } = lists.nodes[id];
            if prev != NONE {
                continue;
            }
            let mut tail = id as NodeId;
            let mut lowest = lists.bar(tail).min(f64::INFINITY);
            // A damaged chain could run in circles.
            for _ in 0..lists.nodes.len() {
                match lists.next(tail) {
                    NONE => break,
                    next => tail = next,
                }
                lowest = lowest.min(lists.bar(tail));
            }
            let chain = Chain { hash, head: id as NodeId, tail, lowest };
            lists.chains[side as usize].insert_unique(hash, chain, |c| c.hash);
        }
        Some(lists)
    }
}
