//! What is replicated of sessions, written down and read back; and how they begin a day.

use super::Sessions;
use crate::image::{ImageError, Reader, put};

impl Sessions {
    /// A new day: sessions that have ended begin again, with their first message.
    pub fn begin_day(&mut self) {
        for account in &mut self.accounts {
            (account.ended, account.end_mark) = (false, 0);
            account.store.begin();
        }
    }

    /// Adds to `out` what sessions were sent and will be: nothing of logins and connections.
    pub fn save(&self, out: &mut Vec<u8>) {
        put(out, self.accounts.len() as u64);
        for account in &self.accounts {
            put(out, u64::from(account.ended));
            account.store.save(out);
        }
    }

    /// Becomes the sessions that were saved.
    ///
    /// # Errors
    /// Bytes that are not of sessions like these; these are not to be used then.
    pub fn load(&mut self, from: &mut Reader<'_>) -> Result<(), ImageError> {
        if from.number()? != self.accounts.len() as u64 {
            return Err(ImageError::Size);
        }
        for account in &mut self.accounts {
            (account.ended, account.end_mark) = (from.number()? != 0, 0);
            account.store.load(from)?;
        }
        Ok(())
    }
}
