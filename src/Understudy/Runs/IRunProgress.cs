namespace Understudy.Runs;

/// <summary>Where a recipe tells how far it is. The command line draws bars; a library caller may pass <see cref="RunProgress.None"/>.</summary>
/// <remarks>Called from the thread the recipe runs on, one stage at a time.</remarks>
public interface IRunProgress
{
    /// <summary>A stage begins. Dispose what is returned when it ends, whether it ended well or not.</summary>
    /// <param name="name">The stage, for example <c>tune teacher</c>.</param>
    /// <param name="total">How much there is to do, in <paramref name="unit"/>; null when that is not known.</param>
    /// <param name="unit">What is counted, in the plural: <c>steps</c>, <c>rows</c>, <c>tokens</c>.</param>
    IStageProgress Start(string name, long? total, string unit);

    /// <summary>A line for the reader that belongs to no bar: a table, an overridden setting, a stage found finished.</summary>
    void Note(string text);
}

/// <summary>One stage under way.</summary>
public interface IStageProgress : IDisposable
{
    /// <summary>Work was done. Rate and remaining time are worked out from the calls.</summary>
    /// <param name="count">How much more is done, in the stage's unit.</param>
    /// <param name="loss">The newest loss, where the stage has one.</param>
    /// <param name="detail">The newest state in a few words (<c>epoch 2, accuracy 61.3%</c>); null leaves the last one standing.</param>
    void Advance(long count, double? loss = null, string? detail = null);

    /// <summary>The stage ended well; without this call its end is shown as an interruption.</summary>
    /// <param name="summary">What came out of it, in a few words.</param>
    void Finish(string summary = "");
}
