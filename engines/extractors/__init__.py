"""What describes an image by numbers: texture, and pretrained networks whose weights are on this computer."""
