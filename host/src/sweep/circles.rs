//! Rows that refer to each other in circles: the strongly connected parts of what is left of a table.

/// What is known of a row while its circle is looked for.
#[derive(Clone, Copy, Default)]
struct Visit {
    /// In the order of their visits, from 1; 0: not visited.
    number: u32,
    /// The earliest row that it leads back to.
    low: u32,
    /// It is part of a circle that is still being looked for.
    open: bool,
}

/// The circles of a graph of `count` rows, a row by itself being one as well; those that refer come ahead
/// of what they refer to. `leads_to`: the rows that a row refers to; `None`: it does not count.
///
/// Tarjan's algorithm without recursion, because chains are long.
pub(super) fn circles<'a>(
    count: usize,
    leads_to: impl Fn(usize) -> Option<&'a [u32]>,
) -> Vec<Vec<u32>> {
    let mut visits = vec![Visit::default(); count];
    let mut numbers = 0;
    let mut path = Vec::new();
    let mut found = Vec::new();
    for start in 0..count {
        // Each row on the way, and how many of its references were followed.
        let mut way = vec![(start, 0)];
        while let Some((row, followed)) = way.pop() {
            let (Some(above), Some(visit)) = (leads_to(row), visits.get_mut(row)) else {
                continue;
            };
            if followed == 0 {
                if visit.number > 0 {
                    continue;
                }
                numbers += 1;
                *visit = Visit {
                    number: numbers,
                    low: numbers,
                    open: true,
                };
                path.push(row);
            }
            let mut low = visit.low;
            // The row that was followed last has been left by now.
            let behind = above.get(..followed).unwrap_or_default();
            for next in behind.iter().rev().take(1) {
                low = low.min(
                    of(&visits, *next)
                        .filter(|next| next.open)
                        .map_or(low, |next| next.low),
                );
            }
            let mut at = followed;
            let mut deeper = None;
            while let Some(next) = above.get(at) {
                at += 1;
                let Some(visit) = of(&visits, *next) else {
                    continue;
                };
                if visit.number == 0 && leads_to(index(*next)).is_some() {
                    deeper = Some(index(*next));
                    break;
                }
                if visit.open {
                    low = low.min(visit.number);
                }
            }
            if let Some(visit) = visits.get_mut(row) {
                visit.low = low;
            }
            if let Some(next) = deeper {
                way.push((row, at));
                way.push((next, 0));
                continue;
            }
            if of(&visits, u32::try_from(row).unwrap_or(u32::MAX))
                .is_some_and(|v| v.low == v.number)
            {
                let mut circle = Vec::new();
                while let Some(last) = path.pop() {
                    if let Some(visit) = visits.get_mut(last) {
                        visit.open = false;
                    }
                    circle.extend(u32::try_from(last));
                    if last == row {
                        break;
                    }
                }
                found.push(circle);
            }
        }
    }
    // What a row refers to is found before the row.
    found.reverse();
    found
}

fn of(visits: &[Visit], place: u32) -> Option<Visit> {
    visits.get(index(place)).copied()
}

fn index(place: u32) -> usize {
    usize::try_from(place).unwrap_or(usize::MAX)
}

#[cfg(test)]
#[allow(clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn of(graph: &[&[u32]]) -> Vec<Vec<u32>> {
        let mut found = circles(graph.len(), |row| graph.get(row).copied());
        found.iter_mut().for_each(|circle| circle.sort_unstable());
        found
    }

    #[test]
    fn rows_that_refer_come_ahead_and_circles_whole() {
        assert_eq!(of(&[&[1], &[2], &[]]), [vec![0], vec![1], vec![2]]);
        // 3 refers into a circle of three, which refers to 4.
        let circle = of(&[&[1], &[2], &[0, 4], &[0], &[]]);
        assert_eq!(circle, [vec![3], vec![0, 1, 2], vec![4]]);
        // A row that refers to itself, and two circles that share a row.
        assert_eq!(of(&[&[0]]), [vec![0]]);
        assert_eq!(of(&[&[1, 2], &[0], &[0]]), [vec![0, 1, 2]]);
    }

    #[test]
    fn a_long_chain_is_no_deep_recursion() {
        let rows: Vec<Vec<u32>> = (1..=100_000).map(|next| vec![next]).collect();
        let found = circles(rows.len() + 1, |row| {
            Some(rows.get(row).map_or(&[][..], Vec::as_slice))
        });
        assert_eq!(found.len(), 100_001);
        assert_eq!(
            (found[0].as_slice(), found[100_000].as_slice()),
            (&[0][..], &[100_000][..])
        );
    }
}
