//! The switch and N_Ports that send it raw frames.

mod congestion;
mod directory;
mod faults;
mod hostile;
mod logins;
mod notices;
mod rig;
mod zoning;
