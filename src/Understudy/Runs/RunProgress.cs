namespace Understudy.Runs;

/// <summary>Progress that nobody watches.</summary>
public static class RunProgress
{
    /// <summary>Shows nothing.</summary>
    public static IRunProgress None { get; } = new Silent();

    private sealed class Silent : IRunProgress, IStageProgress
    {
        public IStageProgress Start(string name, long? total, string unit) => this;

        public void Note(string text) { }

        public void Advance(long count, double? loss = null, string? detail = null) { }

        public void Finish(string summary = "") { }

        public void Dispose() { }
    }
}
