//! The network of an IP address, as an update that keeps no more than that writes it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Bits ahead of the IPv4 address in an IPv4-mapped IPv6 address (RFC 4291, section 2.5.5.2).
const MAPPED_BITS: u8 = 96;

/// The address in `text` with all but its network zeroed and its mask as it was, for a column that
/// is to hold it; `None` where `text` is no address, or has no more than its network already.
///
/// An IPv4-mapped address is an IPv4 address: the IPv6 network of all of them is the same. The mask
/// says how large a network the value names and nothing of how much the address in it tells, so
/// it decides nothing here.
pub(crate) fn coarse(text: &str, ipv4_prefix: u8, ipv6_prefix: u8) -> Option<String> {
    let (address, mask) = match text.split_once('/') {
        Some((address, mask)) => (address, Some(mask)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().ok()?;
    let longest = if address.is_ipv4() { 32 } else { 128 };
    if !mask.is_none_or(|mask| is_mask(mask, longest)) {
        return None;
    }
    let network = network(address, ipv4_prefix, ipv6_prefix);
    if network == address {
        return None;
    }
    Some(match mask {
        Some(mask) => format!("{network}/{mask}"),
        None => network.to_string(),
    })
}

fn network(address: IpAddr, ipv4_prefix: u8, ipv6_prefix: u8) -> IpAddr {
    match address {
        IpAddr::V4(address) => Ipv4Addr::from_bits(kept4(address, ipv4_prefix)).into(),
        IpAddr::V6(address) => {
            let prefix = match address.to_ipv4_mapped() {
                Some(_) => MAPPED_BITS.saturating_add(ipv4_prefix),
                None => ipv6_prefix,
            };
            Ipv6Addr::from_bits(kept6(address, prefix)).into()
        }
    }
}

/// A shift by all the bits there are is no shift in Rust, and a prefix of nothing keeps nothing.
fn kept4(address: Ipv4Addr, prefix: u8) -> u32 {
    let dropped = u32::BITS.saturating_sub(prefix.into());
    address.to_bits() & u32::MAX.checked_shl(dropped).unwrap_or(0)
}

fn kept6(address: Ipv6Addr, prefix: u8) -> u128 {
    let dropped = u128::BITS.saturating_sub(prefix.into());
    address.to_bits() & u128::MAX.checked_shl(dropped).unwrap_or(0)
}

/// Whether the text behind the slash is one that a database writes.
fn is_mask(mask: &str, longest: u8) -> bool {
    mask.bytes().all(|byte| byte.is_ascii_digit())
        && mask.parse::<u8>().is_ok_and(|bits| bits <= longest)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn all_but_the_network_is_zeroed() {
        for (text, expected) in [
            ("192.0.2.7", "192.0.2.0"),
            ("192.0.2.255", "192.0.2.0"),
            ("2001:db8:1:2::1", "2001:db8:1::"),
            ("2001:DB8:1:2:3:4:5:6", "2001:db8:1::"),
            ("::1", "::"),
        ] {
            assert_eq!(coarse(text, 24, 48).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn an_ipv4_address_in_ipv6_clothes_keeps_its_ipv4_network() {
        let coarse = |text, bits| coarse(text, bits, 48);

        assert_eq!(
            coarse("::ffff:192.0.2.7", 24).as_deref(),
            Some("::ffff:192.0.2.0")
        );
        assert_eq!(
            coarse("::ffff:c000:207/128", 24).as_deref(),
            Some("::ffff:192.0.2.0/128")
        );
        assert_eq!(
            coarse("::ffff:192.0.2.7", 0).as_deref(),
            Some("::ffff:0.0.0.0")
        );
        assert_eq!(coarse("::ffff:192.0.2.0", 24), None);
    }

    #[test]
    fn the_mask_stays_and_decides_nothing() {
        for (text, expected) in [
            ("192.0.2.7/32", "192.0.2.0/32"),
            ("192.0.2.7/0", "192.0.2.0/0"),
            ("10.1.2.3/8", "10.1.2.0/8"),
            ("2001:db8::1/128", "2001:db8::/128"),
        ] {
            assert_eq!(coarse(text, 24, 48).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn prefixes_from_nothing_to_everything_are_kept() {
        assert_eq!(coarse("192.0.2.7", 0, 0).as_deref(), Some("0.0.0.0"));
        assert_eq!(coarse("192.0.2.7", 31, 0).as_deref(), Some("192.0.2.6"));
        assert_eq!(coarse("192.0.2.7", 32, 0), None);
        assert_eq!(coarse("2001:db8::7", 0, 0).as_deref(), Some("::"));
        assert_eq!(
            coarse("2001:db8::7", 0, 127).as_deref(),
            Some("2001:db8::6")
        );
        assert_eq!(coarse("2001:db8::7", 0, 128), None);
    }

    #[test]
    fn what_has_its_network_only_is_left_however_it_is_written() {
        for text in ["192.0.2.0", "192.0.2.0/24", "2001:DB8:0:0::", "::", "::/0"] {
            assert_eq!(coarse(text, 24, 48), None, "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_left() {
        for text in [
            "",
            "/",
            "unknown",
            "192.0.2",
            "192.0.2.7.1",
            "192.0.2.256",
            "192.0.02.7",
            " 192.0.2.7",
            "192.0.2.7:443",
            "[2001:db8::1]",
            "fe80::1%eth0",
            "192.0.2.7/",
            "192.0.2.7/33",
            "192.0.2.7/+8",
            "192.0.2.7/8/8",
            "192.0.2.7/24 ",
            "2001:db8::1/129",
            "2001:db8::1/１２",
        ] {
            assert_eq!(coarse(text, 24, 48), None, "{text}");
        }
    }

    /// The network by the textbook, bit by bit.
    fn bits(address: IpAddr) -> (String, bool) {
        match address {
            IpAddr::V4(v4) => (format!("{:032b}", v4.to_bits()), true),
            IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
                Some(v4) => (format!("{:032b}", v4.to_bits()), true),
                None => (format!("{:0128b}", v6.to_bits()), false),
            },
        }
    }

    fn addresses() -> impl Strategy<Value = IpAddr> {
        let v4 = any::<Ipv4Addr>;
        prop_oneof![
            v4().prop_map(IpAddr::V4),
            v4().prop_map(|v4| IpAddr::V6(v4.to_ipv6_mapped())),
            any::<Ipv6Addr>().prop_map(IpAddr::V6),
            // Few bits set: addresses with runs of zeroes.
            (0u32..128, 0u32..128)
                .prop_map(|(a, b)| IpAddr::V6(Ipv6Addr::from_bits(1 << a | 1 << b))),
        ]
    }

    proptest! {
        #[test]
        fn the_network_stays_and_the_rest_is_zero(
            address in addresses(), v4 in 0u8..=32, v6 in 0u8..=128, mask in prop::option::of(0u8..=32),
        ) {
            let suffix = mask.map(|mask| format!("/{mask}")).unwrap_or_default();
            let text = format!("{address}{suffix}");

            let answer = coarse(&text, v4, v6).unwrap_or_else(|| text.clone());

            let written = answer.strip_suffix(&suffix).unwrap();
            let (before, was_v4) = bits(address);
            let (after, is_v4) = bits(written.parse().unwrap());
            prop_assert_eq!(was_v4, is_v4);
            let kept = usize::from(if was_v4 { v4 } else { v6 });
            prop_assert_eq!(&after[..kept], &before[..kept]);
            prop_assert!(!after[kept..].contains('1'), "{} of {}", answer, text);
            prop_assert_eq!(coarse(&answer, v4, v6), None, "a second run changes nothing");
        }

        #[test]
        fn no_text_at_all_breaks_it(text in ".*", v4: u8, v6: u8) {
            let _ = coarse(&text, v4, v6);
        }
    }
}
