//! Scripts, which Redis runs as one step.

use redis::{Cmd, cmd};
use sha1::{Digest, Sha1};

/// Stands before a script that changes what is kept. What the network damaged on its way would be taken for what was meant,
/// and acknowledged: another's key, or a record that nobody can read. `ARGV` ends with a digest of the key and of all before.
const CHECK: &str = "if redis.sha1hex(KEYS[1] .. table.concat(ARGV, '', 1, #ARGV - 1)) ~= ARGV[#ARGV] then
  return redis.error_reply('DAMAGED the question was not what was asked')
end
";

/// A script on these keys; its arguments follow.
pub(super) fn script(text: &str, keys: &[&str]) -> Cmd {
    let mut eval = cmd("EVAL");
    eval.arg(text).arg(keys.len()).arg(keys);
    eval
}

/// A script on a key that does nothing where the key or an argument is damaged on its way.
pub(super) fn checked(text: &str, key: &str, arguments: &[&[u8]]) -> Cmd {
    let mut eval = script(&format!("{CHECK}{text}"), &[key]);
    let mut digest = Sha1::new_with_prefix(key);
    for argument in arguments {
        digest.update(argument);
        eval.arg(*argument);
    }
    eval.arg(hex::encode(digest.finalize()));
    eval
}

#[cfg(test)]
mod tests {
    use super::super::REPLACE;
    use super::super::servers::Server;
    use super::super::tests::who;
    use super::*;
    use crate::store::ShopperStore;

    #[tokio::test]
    async fn a_change_that_was_damaged_on_its_way_is_none_wherever_it_was() {
        let server = Server::start();
        let store = server.store();
        store.set_consent(&who("s"), crate::domain::consent::Consent::ALL).await.unwrap();
        let (key, kept) = ("outfitter:{s}:shopper", server.ask::<Vec<u8>>(&["GET", "outfitter:{s}:shopper"]).await);
        let (held, written) = (&kept[..8], [b"newtoken".as_slice(), &kept[8..]].concat());
        let arguments: [&[u8]; 3] = [held, &written, b"600000"];
        let send = async |parts: &[Vec<u8>]| {
            let mut eval = cmd("EVAL");
            eval.arg(format!("{CHECK}{REPLACE}")).arg(1);
            eval.arg(parts);
            let client = redis::Client::open(server.url()).unwrap();
            eval.query_async::<Vec<u8>>(&mut client.get_multiplexed_async_connection().await.unwrap()).await
        };
        let packed: Vec<Vec<u8>> = checked(REPLACE, key, &arguments)
            .args_iter()
            .skip(3)
            .map(|part| match part {
                redis::Arg::Simple(bytes) => bytes.to_vec(),
                _ => panic!("a script has no cursor"),
            })
            .collect();
        assert_eq!(packed.len(), 5);
        for part in 0..packed.len() {
            for at in [0, packed[part].len() / 2, packed[part].len() - 1] {
                let mut damaged = packed.clone();
                damaged[part][at] ^= 1;
                let answer = send(&damaged).await;
                let told = answer.unwrap_err();
                assert_eq!(told.code(), Some("DAMAGED"), "part {part} at {at}: {told}");
            }
        }
        assert_eq!(server.ask::<Vec<u8>>(&["GET", key]).await, kept);
        assert_eq!(server.ask::<u64>(&["DBSIZE"]).await, 1);
        assert_eq!(send(&packed).await.unwrap(), b"newtoken");
    }
}
