using Understudy.Generation;

namespace Understudy.Recipes;

/// <summary>How much of a stage's prompts did not have to be computed.</summary>
internal sealed class PrefixReuse
{
    private long prompts;
    private long known;

    /// <summary>Counts a job in.</summary>
    internal void Add(EngineStatistics job) => (prompts, known) = (prompts + job.PromptTokens, known + job.PrefixTokens);

    /// <summary>For the end of a line; empty where nothing was shared.</summary>
    internal string InWords() => known == 0 ? "" : $", {FigureText.Percent((double)known / prompts)} of the prompts' tokens known from before";
}
