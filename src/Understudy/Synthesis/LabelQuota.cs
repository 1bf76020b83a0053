namespace Understudy.Synthesis;

/// <summary>Counts which labels have their rows, and who is to be asked for more texts.</summary>
/// <remarks>
/// Texts are asked for in rounds, one prompt for every label that still lacks rows; where the model chooses the label, one prompt for every label
/// whatever it chooses, as long as any label lacks rows. Which round asks whom follows from the verdicts of the rounds before it alone.
/// </remarks>
internal sealed class LabelQuota
{
    private readonly int perLabel, samples, mostAttempts;
    private readonly bool modelChooses;
    private readonly int[] kept;

    /// <summary>No rows yet.</summary>
    /// <param name="options">Quota and limits.</param>
    /// <param name="labels">How many labels there are.</param>
    /// <param name="modelChooses">Whether the model chooses the label of a row.</param>
    public LabelQuota(GenerateOptions options, int labels, bool modelChooses)
    {
        (perLabel, samples, this.modelChooses) = (options.PerLabel, options.SamplesPerPrompt, modelChooses);
        mostAttempts = (int)Math.Ceiling(options.PerLabel * options.MaxAttempts);
        kept = new int[labels];
    }

    /// <summary>Rows kept.</summary>
    public int Kept => kept.Sum();

    /// <summary>Texts asked for.</summary>
    public int Attempts { get; private set; }

    /// <summary>Rounds asked for.</summary>
    public int Round { get; private set; } = -1;

    /// <summary>Whether a label has all its rows.</summary>
    public bool Full(int label) => kept[label] >= perLabel;

    /// <summary>Counts a kept row.</summary>
    public void Keep(int label) => kept[label]++;

    /// <summary>Begins the next round: the labels to ask for a prompt's worth of texts. None when all is there or the attempts are used up.</summary>
    public IReadOnlyList<int> NextRound()
    {
        Round++;
        var open = Enumerable.Range(0, kept.Length).Where(label => !Full(label)).ToArray();
        if (open.Length == 0 || Round * samples >= mostAttempts)
        {
            return [];
        }

        int[] asked = modelChooses ? [.. Enumerable.Range(0, kept.Length)] : open;
        Attempts += asked.Length * samples;
        return asked;
    }
}
