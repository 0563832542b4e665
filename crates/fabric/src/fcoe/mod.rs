//! FCoE: FC frames and FIP on a network interface.
