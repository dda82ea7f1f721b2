//! Derivatives and currents against what others computed and against closed forms.

mod golden;
