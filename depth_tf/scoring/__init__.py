"""Which pixels count, the nine figures, the mean depth map to beat, and the result file."""
