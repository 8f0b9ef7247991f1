"""From a catalogue of source images to an image set: find the breast, judge its outline, crop, turn, scale."""
