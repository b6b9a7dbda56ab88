//! Record ids: three characters that tell the object, twelve that tell the record, and three that
//! make the whole safe for those who cannot tell `a` from `A`.
//!
//! The order of ids (byte by byte) is the order of the numbers they are made from, so an index that
//! is sorted by number is sorted by id.

use std::fmt;

/// The digits of ids, in the order of their bytes.
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// What the checksum is written in.
const CHECK: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";

/// The pod and the reserved character, the same in the whole org.
const POD: &[u8; 3] = b"5i0";

/// The characters that hold the number.
const NUMBER: std::ops::Range<usize> = 6..15;

/// A record's id in its form of 18 characters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordId([u8; 18]);

impl RecordId {
    /// The id of a number in the object with this key prefix.
    pub(crate) fn new(prefix: [u8; 3], number: u64) -> Self {
        let mut id = [b'0'; 18];
        id[..3].copy_from_slice(&prefix);
        id[3..6].copy_from_slice(POD);
        let mut rest = number;
        for digit in id[NUMBER].iter_mut().rev() {
            *digit = DIGITS[usize::try_from(rest % 62).expect("less than 62 is a usize")];
            rest /= 62;
        }
        let check = checksum(&id[..15]);
        id[15..].copy_from_slice(&check);
        Self(id)
    }

    /// An id as somebody wrote it: 15 characters, or 18 with the right checksum.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if !matches!(bytes.len(), 15 | 18) || !bytes.iter().all(u8::is_ascii_alphanumeric) {
            return None;
        }
        let check = checksum(&bytes[..15]);
        if bytes.len() == 18 && bytes[15..] != check {
            return None;
        }
        let mut id = [0; 18];
        id[..15].copy_from_slice(&bytes[..15]);
        id[15..].copy_from_slice(&check);
        Some(Self(id))
    }

    /// The number it was made from.
    pub(crate) fn number(&self) -> u64 {
        self.0[NUMBER].iter().fold(0_u64, |number, byte| {
            let digit = DIGITS.binary_search(byte).expect("ids are letters and digits");
            number.saturating_mul(62).saturating_add(digit as u64)
        })
    }

    /// Its 18 characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("ids are ASCII")
    }
}

/// Three characters that say which of 15 are capitals, five a character.
fn checksum(id: &[u8]) -> [u8; 3] {
    let mut check = [b'A'; 3];
    for (place, five) in id.chunks(5).enumerate() {
        let bits = five
            .iter()
            .enumerate()
            .filter(|(_, byte)| byte.is_ascii_uppercase())
            .fold(0_usize, |bits, (bit, _)| bits | 1 << bit);
        check[place] = CHECK[bits];
    }
    check
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_salesforces() {
        // Examples from public documentation and forum threads.
        for full in ["001D000000IqhSLIAZ", "00530000009M943AAC"] {
            assert_eq!(checksum(&full.as_bytes()[..15]), full.as_bytes()[15..], "{full}");
            assert_eq!(RecordId::parse(&full[..15]).unwrap().as_str(), full);
        }
        assert!(RecordId::parse("001D000000IqhSLIAA").is_none());
        assert!(RecordId::parse("001D000000Iqh'LIAZ").is_none());
        assert!(RecordId::parse("").is_none());
    }

    #[test]
    fn the_order_of_ids_is_the_order_of_numbers() {
        let numbers = [0, 1, 9, 10, 35, 36, 61, 62, 3_843, 3_844, 5_000_000, 1 << 45];
        let ids: Vec<_> = numbers.iter().map(|n| RecordId::new(*b"006", *n)).collect();
        assert!(ids.is_sorted());
        for (number, id) in numbers.iter().zip(&ids) {
            assert_eq!(id.number(), *number);
            assert_eq!(RecordId::parse(id.as_str()), Some(*id));
            assert_eq!(RecordId::parse(&id.as_str()[..15]), Some(*id));
        }
    }
}
