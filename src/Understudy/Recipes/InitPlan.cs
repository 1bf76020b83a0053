namespace Understudy.Recipes;

/// <summary>Sizes for a run file such that the run takes minutes on two processor cores. Numbers of tokens are estimates.</summary>
internal sealed record InitPlan
{
    // Below this a language model learns next to nothing, and its text cannot even be divided into rows and a held-out part.
    private const int LeastTexts = 50, LeastWords = 1000;

    private const int PretrainBatch = 16, TuneBatch = 8, StudentBatch = 16, SyntheticBatch = 32;

    /// <summary>The share of the labelled rows held out for the final figures; 0 when there is a test file.</summary>
    public double TestShare { get; private init; }

    /// <summary>Rows to train on and rows to test on.</summary>
    public int TrainRows { get; private init; }

    public int TestRows { get; private init; }

    /// <summary>Different texts without labels, and their words.</summary>
    public int PoolTexts { get; private init; }

    public long PoolWords { get; private init; }

    /// <summary>Whether there is enough text to pre-train a teacher on.</summary>
    public bool HasTeacher => PoolTexts >= LeastTexts && PoolWords >= LeastWords;

    /// <summary>Tokens of a student's and of a teacher's row.</summary>
    public int StudentLength { get; private init; }

    public int TeacherLength { get; private init; }

    /// <summary>Words of the longest texts that rows of this length hold; null when they hold all but one in twenty.</summary>
    public int? CutAtWords { get; private init; }

    public int Vocabulary { get; private init; }

    /// <summary>Tokens of a pre-training row, the share of texts held out, and the steps of the pre-training.</summary>
    public int PretrainLength { get; private init; }

    public double HeldOut { get; private init; }

    public int PretrainSteps { get; private init; }

    /// <summary>Passes of the teacher over the seeds; steps in their place when one pass takes too long.</summary>
    public int TuneEpochs { get; private init; }

    public int? TuneSteps { get; private init; }

    public int AnnotateRows { get; private init; }

    public int GeneratePerLabel { get; private init; }

    public int StudentEpochs { get; private init; }

    public int? StudentSteps { get; private init; }

    public int SyntheticEpochs { get; private init; }

    public int? SyntheticSteps { get; private init; }

    /// <summary>The plan for these data.</summary>
    public static InitPlan For(InitData data)
    {
        var rows = data.Train.Rows;
        var test = data.Test is not null ? 0 : rows < 100 ? 0.3 : Math.Round(Math.Min(0.2, 2000.0 / rows), 3);
        var train = rows - (int)Math.Round(test * rows);
        // A text that is there twice counts once.
        var pool = data.Unlabelled.Sum(file => file.Text.Counts.Count);
        var words = (long)data.Unlabelled.Sum(file => file.Text.Words * (double)file.Text.Counts.Count / Math.Max(1, file.Text.Values));
        var long95 = data.Unlabelled.Select(file => file.Text).Append(data.Columns.Text.Column).Max(column => column.WordsAt(0.95)) + (data.Columns.TextPair?.Column.WordsAt(0.95) ?? 0);
        // A word of the task's own texts takes one to two tokens of a vocabulary learnt from them.
        var tokens = (int)Math.Min(1 << 20, (1.7 * long95) + 8);
        var length = PowerOfTwo(tokens, 32, 256);
        var teacherLength = PowerOfTwo(tokens + 24 + (int)(0.5 * data.Label.Counts.Keys.Max(label => label.Length)), 64, 512);
        var synthetic = Math.Max(64, Math.Min(pool, Math.Min(3000, 400_000 / (tokens + (3 * data.Labels.Count)))));
        var plan = new InitPlan
        {
            TestShare = test,
            TrainRows = train,
            TestRows = data.Test?.Rows ?? rows - train,
            PoolTexts = pool,
            PoolWords = words,
            StudentLength = length,
            TeacherLength = teacherLength,
            CutAtWords = tokens > length ? (int)(length / 1.7) : null,
            Vocabulary = words + data.Columns.Text.Column.Words < 50_000 ? 2048 : 4096,
            AnnotateRows = synthetic,
            GeneratePerLabel = Math.Clamp(300 / data.Labels.Count, 2, 20),
        };
        plan = plan.WithPretraining(data);
        (var tune, var tuneSteps) = Passes(train, TuneBatch, StepsWithin(450, TuneBatch, teacherLength, 300_000), 30);
        (var student, var studentSteps) = Passes(train, StudentBatch, StepsWithin(1500, StudentBatch, length, 3_000_000), 40);
        (var more, var moreSteps) = Passes(train + synthetic, SyntheticBatch, StepsWithin(1500, SyntheticBatch, length, 3_000_000), 15);
        return plan with { TuneEpochs = tune, TuneSteps = tuneSteps, StudentEpochs = student, StudentSteps = studentSteps, SyntheticEpochs = more, SyntheticSteps = moreSteps };
    }

    private InitPlan WithPretraining(InitData data)
    {
        if (!HasTeacher)
            return this;
        // Every word takes at least a token, and every text a token that ends it.
        var leastTokens = Math.Max(1, data.Unlabelled.Min(file => file.Text.WordsAt(0.5))) + 1;
        var length = 128;
        int Held() => Math.Max(8, (int)Math.Ceiling(3.0 * length / leastTokens));
        while (length > 16 && (Held() > PoolTexts / 5 || length > TeacherLength))
            length /= 2;
        var tokens = (1.3 * PoolWords) + PoolTexts;
        // Over a small corpus again and again until it is nearly known by heart; over a large one as far as the time allows.
        var steps = (int)Math.Clamp(16 * tokens / (PretrainBatch * length), 60, 1_500_000 / (PretrainBatch * length));
        return this with { PretrainLength = length, HeldOut = Math.Round(Math.Clamp((Held() + 0.5) / PoolTexts, 0.002, 0.5), 4), PretrainSteps = steps };
    }

    // Whole passes where at least one fits into the steps, the steps themselves where none does.
    private static (int Epochs, int? Steps) Passes(int rows, int batch, int steps, int mostEpochs)
    {
        var stepsOfOne = Math.Max(1, (rows + batch - 1) / batch);
        return stepsOfOne > steps ? (1, steps) : (Math.Min(mostEpochs, steps / stepsOfOne), null);
    }

    // As many steps as asked for, fewer when rows are so long that the run would take hours.
    private static int StepsWithin(int most, int batch, int length, int tokens) => Math.Clamp(tokens / (batch * length), 50, most);

    private static int PowerOfTwo(int tokens, int least, int most)
    {
        var length = least;
        while (length < tokens && length < most)
            length *= 2;
        return length;
    }
}
