namespace Understudy.Synthesis;

/// <summary>What the teacher's own opinion of a text that it wrote is used for.</summary>
public enum RelabelMode
{
    /// <summary>It is not asked.</summary>
    None,

    /// <summary>The row keeps the label it was written for; the filters see the teacher's probabilities.</summary>
    Check,

    /// <summary>The teacher's most probable label becomes the row's.</summary>
    Replace,
}
