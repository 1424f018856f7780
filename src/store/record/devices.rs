//! On which sessions a customer logged in. What was done there before is theirs, and what is kept of it under the session's own
//! key, such as lines of the training log, is to be found when the customer is erased.

use crate::domain::ids::ShopperKey;
use std::collections::VecDeque;

/// Kept of one customer; of more the oldest give way.
const MOST: usize = 16;

/// Adds sessions, the last one last; each is there once.
pub(super) fn add<'a>(devices: &mut VecDeque<ShopperKey>, more: impl Iterator<Item = &'a ShopperKey>) {
    for device in more {
        devices.retain(|held| held != device);
        devices.push_back(device.clone());
    }
    while devices.len() > MOST {
        devices.pop_front();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_there_once_and_the_oldest_give_way() {
        let keys: Vec<ShopperKey> = (0..20).map(|nth| ShopperKey::new(nth.to_string())).collect();
        let mut devices = VecDeque::new();
        add(&mut devices, keys.iter());
        add(&mut devices, keys[4..6].iter());
        let held: Vec<&str> = devices.iter().map(ShopperKey::as_str).collect();
        assert_eq!((held.len(), held[0], &held[14..]), (16, "6", &["4", "5"][..]));
    }
}
